// X.509 certificates that are made here: an authority, and what it vouches for. For a server on
// one's own machine, and for tests.
//
// Keys are EC P-256 unless another kind is asked for, so that making one takes well under a
// millisecond. Functions are pure but for randomness, thread-safe, and throw Error (kInternal)
// where OpenSSL refuses.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;
struct x509_st;

namespace gesso {

// A certificate and its key. A value that shares what it holds.
struct Certificate {
  std::shared_ptr<x509_st> certificate;
  std::shared_ptr<evp_pkey_st> key;

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] std::string key_pem() const;  // PKCS #8
};

enum class KeyKind { kP256, kRsa2048 };

struct CertificatePlan {
  std::string name;  // of the subject
  // Host names ("*.example.com" too) and addresses ("127.0.0.1", "::1") that it is for. None: an
  // authority, which vouches for others.
  std::vector<std::string> hosts = {};
  std::chrono::hours from{-24};  // against now
  std::chrono::hours to{240};
  KeyKind kind = KeyKind::kP256;
};

// A certificate that is signed by `issuer`, or by itself where there is none.
[[nodiscard]] Certificate make_certificate(const CertificatePlan& plan,
                                           const Certificate* issuer = nullptr);

// Whether a PEM certificate is for all of these hosts and will be for so much longer. False for
// what is no certificate.
[[nodiscard]] bool certificate_serves(std::string_view pem, const std::vector<std::string>& hosts,
                                      std::chrono::hours longer);

}  // namespace gesso
