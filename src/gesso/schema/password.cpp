#include "gesso/schema/password.hpp"

#include <algorithm>

#include "gesso/base/text.hpp"

namespace gesso::schema {

Password::Password(std::string_view text) : secret_(text) {
  if (auto violation = check(text)) throw validation_error({*violation});
}

std::optional<Violation> Password::check(std::string_view text) {
  const std::optional<std::size_t> length = utf8_length(text);
  if (length && *length >= kMin && *length <= kMax) return std::nullopt;
  Violation violation = !length          ? not_utf8()
                        : *length < kMin ? too_short(kMin, *length, LengthUnit::kCharacters)
                                         : too_long(kMax, *length, LengthUnit::kCharacters);
  violation.expected = expected();
  return violation;
}

std::string Password::expected() { return length_text(kMin, kMax, LengthUnit::kCharacters); }

void Password::json_schema(bson::Builder& keywords) {
  keywords.append("type", "string")
      .append("format", "password")
      .append("minLength", static_cast<std::int64_t>(kMin))
      .append("maxLength", static_cast<std::int64_t>(kMax))
      .append("writeOnly", true);
}

PasswordHash::PasswordHash(std::string_view text) : secret_(text) {
  if (auto violation = check(text)) throw validation_error({*violation});
}

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// bcrypt's own alphabet.
bool is_bcrypt_base64(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c == '.' || c == '/' || is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

// $2b$12$ and the like: the revisions in use differ in bugs of old implementations only.
bool is_bcrypt(std::string_view text) {
  constexpr std::size_t kLength = 60;
  return text.size() == kLength && text.starts_with("$2") &&
         std::string_view("abxy").find(text[2]) != std::string_view::npos && text[3] == '$' &&
         is_digit(text[4]) && is_digit(text[5]) && text[6] == '$' &&
         is_bcrypt_base64(text.substr(7));
}

bool is_bcrypt_sha256(std::string_view text) {
  constexpr std::string_view kPrefix = "$bcrypt-sha256$v=2,t=2b,r=";
  if (!text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  const std::size_t rounds = std::min(text.find('$'), text.size());
  if (rounds < 1 || rounds > 2 || !std::ranges::all_of(text.substr(0, rounds), is_digit)) {
    return false;
  }
  text.remove_prefix(rounds);
  return text.size() == 1 + 22 + 1 + 31 && text[0] == '$' && text[23] == '$' &&
         is_bcrypt_base64(text.substr(1, 22)) && is_bcrypt_base64(text.substr(24));
}

}  // namespace

std::optional<Violation> PasswordHash::check(std::string_view text) {
  if (is_bcrypt(text) || is_bcrypt_sha256(text)) return std::nullopt;
  Violation violation = value_error("Input should be a bcrypt hash", {});
  violation.expected = expected();
  violation.found = "string of " + count_text(text.size(), LengthUnit::kBytes);
  return violation;
}

}  // namespace gesso::schema
