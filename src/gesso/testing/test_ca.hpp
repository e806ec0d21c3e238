// A certificate authority of one test: made at run time, trusted by nobody who was not given its
// file.
//
// Owned by the test; const functions are thread-safe. Throws Error where OpenSSL refuses.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gesso/base/certificate.hpp"
#include "gesso/testing/temp_dir.hpp"

namespace gesso::testing {

using gesso::Certificate;
using gesso::KeyKind;

class TestCa {
  Certificate self_;
  TempDir folder_;
  std::filesystem::path file_;

 public:
  TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  // A PEM file with this authority's certificate, removed with it.
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  [[nodiscard]] const Certificate& certificate() const { return self_; }

  // A certificate for these host names ("*.vault.azure.net" too) and addresses ("127.0.0.1").
  [[nodiscard]] Certificate issue(const std::vector<std::string>& hosts) const;
  // A certificate that was valid until yesterday.
  [[nodiscard]] Certificate issue_expired(const std::vector<std::string>& hosts) const;
  // Valid from tomorrow.
  [[nodiscard]] Certificate issue_future(const std::vector<std::string>& hosts) const;
};

// Signed by itself: for hosts that nobody vouches for, and for applications that prove with it who
// they are.
[[nodiscard]] Certificate self_signed(const std::vector<std::string>& hosts,
                                      KeyKind kind = KeyKind::kP256);

}  // namespace gesso::testing
