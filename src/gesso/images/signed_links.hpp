// Links that anybody can open until they expire: a path, the second at which it ends, and an
// HMAC-SHA-256 of both by a key of ours. Nothing is stored for one, and none can be taken back but
// by another key.
//
// Const after construction, hence thread-safe.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/secret.hpp"

namespace gesso::images {

class SignedLinks {
  std::vector<HmacSha256> keys_;  // the first signs
  std::chrono::seconds lifetime_;

 public:
  // `roots` are secrets that others are derived from, too: keys of this purpose alone are made of
  // them. Links of each are good; the first signs. REQUIRES: there is one.
  SignedLinks(const std::vector<Secret>& roots, std::chrono::seconds lifetime);

  // "/images/a.png?expires=1767225600&signature=..." Those of one path that are made within a
  // quarter of the lifetime are the same, so that browsers keep what they have.
  [[nodiscard]] std::string sign(std::string_view path, Time now) const;
  // Whether a link's parts, as they came, are ours and have not expired. In constant time.
  [[nodiscard]] bool is_good(std::string_view path, std::string_view expires,
                             std::string_view signature, Time now) const;

 private:
  [[nodiscard]] static std::string signature(const HmacSha256& key, std::string_view path,
                                             std::string_view expires);
};

}  // namespace gesso::images
