// An application's certificate and the assertion that it signs, by which Entra ID knows the
// application without a shared secret
// (https://learn.microsoft.com/entra/identity-platform/certificate-credentials).
//
// A value of one owner; const functions are thread-safe; does not block.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"

struct evp_pkey_st;
struct x509_st;

namespace gesso::azure {

enum class CertificateChain {
  kLeave,  // Entra ID has the certificate: its thumbprint says which
  kSend,   // Entra ID knows its subject and issuer only
};

class ClientCertificate {
  std::shared_ptr<evp_pkey_st> key_;
  std::vector<std::shared_ptr<x509_st>> chain_;  // the application's own first

 public:
  // PEM with an RSA private key (`password` where it is encrypted) and its certificate, in any
  // order, others of the chain after it. Throws Error kAuth, which says what is missing or wrong;
  // `name` (a path) starts the message.
  ClientCertificate(std::string_view name, std::string_view pem, const Secret& password);

  // A JWT for `audience` (the token endpoint), valid for ten minutes, signed with PS256.
  [[nodiscard]] Secret assertion(std::string_view client_id, std::string_view audience,
                                 CertificateChain chain, Time now, Random& random) const;
};

}  // namespace gesso::azure
