// Refresh tokens as clients have them: behind the token (secret_tokens.hpp) stands a proof that
// this service gave it out, which nobody reckons without its key.
//
//   gr_<user>_<session>_<secret>.<proof>
//
// The ids of users and sessions are no secrets. Where a token that was used before ends its session
// (sessions.hpp), one that was made up around these ids must not.
//
// Pure functions of the keys and their input; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gesso/domain/jwt.hpp"
#include "gesso/domain/secret_tokens.hpp"

namespace gesso::domain {

[[nodiscard]] std::string seal_refresh_token(const Tokens& keys, std::string_view token);

struct ShownRefreshToken {
  RefreshToken token;  // without its proof
  // False where it has no proof by one of these keys: made up, or from before there were proofs, or
  // the key is gone. It may be a good token all the same.
  bool was_given_out = false;
};
// std::nullopt for what is no refresh token.
[[nodiscard]] std::optional<ShownRefreshToken> open_refresh_token(const Tokens& keys,
                                                                  std::string_view text);

}  // namespace gesso::domain
