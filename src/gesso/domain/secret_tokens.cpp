#include "gesso/domain/secret_tokens.hpp"

#include <algorithm>
#include <array>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/base/text.hpp"

namespace gesso::domain {

using models::ApiKeyPrefix;
using models::SessionId;
using models::TokenHash;
using models::UserId;

namespace {

constexpr std::string_view kRefresh = "gr_";
constexpr std::string_view kApiKey = "gk_";
constexpr std::size_t kSecretSize = 43;
constexpr std::size_t kUlidSize = 26;
constexpr std::size_t kMarkSize = 8;
constexpr std::size_t kLongest = 256;

std::string_view prefix_of(MailPurpose purpose) {
  return purpose == MailPurpose::kConfirmEmail ? "gv_" : "gp_";
}

bool is_base64url(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; });
}

std::string_view without_prefix(std::string_view id) { return id.substr(id.find('_') + 1); }

// Takes `_` and `size` characters off the end of `text`; "" where it has not so many.
std::string_view take_back(std::string_view& text, std::size_t size) {
  if (text.size() <= size + 1 || text[text.size() - size - 1] != '_') return {};
  const std::string_view part = text.substr(text.size() - size);
  text.remove_suffix(size + 1);
  return part;
}

// Takes the prefix and the secret off; false where they are not there.
bool take_ends(std::string_view& text, std::string_view prefix) {
  if (text.size() > kLongest || !text.starts_with(prefix) || !is_base64url(text)) return false;
  text.remove_prefix(prefix.size());
  return !take_back(text, kSecretSize).empty();
}

}  // namespace

std::string random_secret(Random& random) {
  std::array<std::uint8_t, 32> bytes{};
  random.fill(bytes);
  return base64url_encode(as_text(bytes));
}

TokenHash hash_token(std::string_view token) { return base64url_encode(as_text(sha256(token))); }

bool matches(const TokenHash& stored, std::string_view token) {
  return constant_time_equal(stored.str(), hash_token(token).str());
}

std::string make_refresh_token(const UserId& user_id, const SessionId& session_id,
                               std::string_view secret) {
  return std::string(kRefresh) + std::string(without_prefix(user_id)) + "_" +
         std::string(without_prefix(session_id)) + "_" + std::string(secret);
}

std::optional<RefreshToken> parse_refresh_token(std::string_view text) {
  std::string_view rest = text;
  if (!take_ends(rest, kRefresh)) return std::nullopt;
  const std::string_view session = take_back(rest, kUlidSize);
  if (session.empty()) return std::nullopt;
  const auto user_id = UserId::parse(std::string(UserId::kPrefix) + std::string(rest));
  const auto session_id = SessionId::parse(std::string(SessionId::kPrefix) + std::string(session));
  if (!user_id || !session_id) return std::nullopt;
  return RefreshToken{.user_id = *user_id, .session_id = *session_id, .text = std::string(text)};
}

ApiKeyToken make_api_key(const UserId& user_id, Random& random) {
  // Of letters and digits alone, so that a double click selects it.
  constexpr std::string_view kLetters = "0123456789abcdefghijkmnpqrstuvwxyz";
  std::string prefix(kApiKey);
  std::array<std::uint8_t, kMarkSize> bytes{};
  random.fill(bytes);
  for (const std::uint8_t byte : bytes) prefix += kLetters[byte % kLetters.size()];
  std::string text =
      prefix + "_" + std::string(without_prefix(user_id)) + "_" + random_secret(random);
  return {.user_id = user_id, .prefix = prefix, .text = std::move(text)};
}

std::optional<ApiKeyToken> parse_api_key(std::string_view text) {
  std::string_view rest = text;
  if (!take_ends(rest, kApiKey) || rest.size() <= kMarkSize || rest[kMarkSize] != '_') {
    return std::nullopt;
  }
  const auto user_id =
      UserId::parse(std::string(UserId::kPrefix) + std::string(rest.substr(kMarkSize + 1)));
  if (!user_id) return std::nullopt;
  return ApiKeyToken{.user_id = *user_id,
                     .prefix = text.substr(0, kApiKey.size() + kMarkSize),
                     .text = std::string(text)};
}

bool is_api_key(std::string_view text) noexcept { return text.starts_with(kApiKey); }

std::string make_mailed_token(MailPurpose purpose, const UserId& user_id, Random& random) {
  return std::string(prefix_of(purpose)) + std::string(without_prefix(user_id)) + "_" +
         random_secret(random);
}

std::optional<UserId> parse_mailed_token(MailPurpose purpose, std::string_view text) {
  if (!take_ends(text, prefix_of(purpose))) return std::nullopt;
  return UserId::parse(std::string(UserId::kPrefix) + std::string(text));
}

}  // namespace gesso::domain
