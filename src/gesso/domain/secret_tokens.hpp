// Opaque tokens: refresh tokens, API keys, what is mailed to confirm an address or to set a new
// password. 256 random bits behind the id of the user whose document says whether they are good, so
// that to look one up is one read by `_id`.
//
//   gr_<user>_<session>_<secret>     a refresh token
//   gk_<mark>_<user>_<secret>        an API key; "gk_<mark>" is its visible prefix
//   gv_<user>_<secret>               confirms an email address
//   gp_<user>_<secret>               sets a new password
//
// <user> and <session> are the ids without their prefix. Read from the right: what is before the
// user's id and behind it has a fixed length, an id of another program's may hold "_" itself.
//
// Pure functions but for the randomness that is passed in; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/base/random.hpp"
#include "gesso/models/account_state.hpp"

namespace gesso::domain {

// 256 random bits in base64url: 43 characters.
[[nodiscard]] std::string random_secret(Random& random);

// What is stored of a token.
[[nodiscard]] models::TokenHash hash_token(std::string_view token);
// Whether it is that token's. Takes a time that does not depend on where they differ.
[[nodiscard]] bool matches(const models::TokenHash& stored, std::string_view token);

struct RefreshToken {
  models::UserId user_id;
  models::SessionId session_id;
  std::string text;
};
[[nodiscard]] std::string make_refresh_token(const models::UserId& user_id,
                                             const models::SessionId& session_id,
                                             std::string_view secret);
[[nodiscard]] std::optional<RefreshToken> parse_refresh_token(std::string_view text);

struct ApiKeyToken {
  models::UserId user_id;
  models::ApiKeyPrefix prefix;
  std::string text;
};
[[nodiscard]] ApiKeyToken make_api_key(const models::UserId& user_id, Random& random);
[[nodiscard]] std::optional<ApiKeyToken> parse_api_key(std::string_view text);
// Whether it looks like one: what tells an API key from an access token in `Authorization`.
[[nodiscard]] bool is_api_key(std::string_view text) noexcept;

enum class MailPurpose { kConfirmEmail, kResetPassword };

[[nodiscard]] std::string make_mailed_token(MailPurpose purpose, const models::UserId& user_id,
                                            Random& random);
// Whose it is; std::nullopt for what was made for another purpose, or is no token.
[[nodiscard]] std::optional<models::UserId> parse_mailed_token(MailPurpose purpose,
                                                               std::string_view text);

}  // namespace gesso::domain
