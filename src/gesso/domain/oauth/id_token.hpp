// What a provider says of who signed in: an ID token (OpenID Connect Core 1.0, section 2), checked
// before any of it is believed (section 3.1.3.7; OWASP ASVS 5.0, 10.5).
//
// Pure functions of their arguments. Reasons show no part of a token but its algorithm.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "gesso/base/clock.hpp"
#include "gesso/jose/token.hpp"

namespace gesso::domain::oauth {

inline constexpr std::size_t kMaxIdTokenBytes = 32 * 1024;
inline constexpr std::chrono::seconds kClockSkew{60};

// Why a token, a document or a callback is not what it should be: for the log, without a secret.
struct NotAcceptable {
  std::string reason;
};

using jose::KeySet;
using jose::VerificationKey;

// Splits a token. Its algorithm must be RS256 (`none`, HMAC with a public key and all else that its
// header may ask for is refused).
[[nodiscard]] std::variant<jose::TokenParts, NotAcceptable> split_id_token(std::string_view token);

// What the token must say.
struct Expected {
  std::string issuer;  // may hold "{tenantid}", for which the claim `tid` is put in
  std::string legacy_issuer = {};
  std::string client_id;
  std::string nonce;
  std::string hosted_domain = {};  // where accounts of one domain alone may come
};

struct IdClaims {
  std::string issuer;  // never the legacy spelling, and with the tenant in it: a key for accounts
  std::string subject;
  std::string email = {};
  bool email_verified = false;               // as it is claimed
  bool email_domain_owner_verified = false;  // Microsoft's optional claim `xms_edov`
  std::string hosted_domain = {};
  std::string name = {};
};

// Signature, issuer, audience, times (within `kClockSkew`), nonce and domain, in this order.
[[nodiscard]] std::variant<IdClaims, NotAcceptable> check_id_token(const jose::TokenParts& token,
                                                                   const VerificationKey& key,
                                                                   const Expected& expected,
                                                                   Time now);

// Whether an issuer is the one that is expected, in which "{tenantid}" stands for any UUID.
[[nodiscard]] bool matches_issuer(std::string_view expected, std::string_view issuer);

}  // namespace gesso::domain::oauth
