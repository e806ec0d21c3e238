// Whose access tokens log in by MONGODB-OIDC, and what they must say: the rules of Azure
// DocumentDB's gateway (microsoft/documentdb, pg_documentdb_gw/src/auth.rs) with its texts.
//
// A value, const after construction, hence thread-safe; never blocks. No text shows a token.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/jose/key_set.hpp"

namespace gesso::localdb::auth {

struct TokenRules {
  std::string issuer;    // the claim `iss`
  std::string audience;  // the claim `aud`, exactly and alone
  // By how much the clocks of issuer and server may differ: a token is good until so long after
  // its end.
  std::chrono::seconds clock_skew{60};
};

// Who proved to be there, and until when.
struct TokenBearer {
  std::string object_id;  // the claim `oid`: the user's name
  Time until;             // with the skew
};

class TokenIssuer {
  TokenRules rules_;
  jose::KeySet keys_;

 public:
  TokenIssuer(TokenRules rules, jose::KeySet keys)
      : rules_(std::move(rules)), keys_(std::move(keys)) {}

  // Throws CommandError: kUnauthorized for a token that is not good, kReauthenticationRequired for
  // one that has expired.
  [[nodiscard]] TokenBearer check(std::string_view token, Time now) const;
};

}  // namespace gesso::localdb::auth
