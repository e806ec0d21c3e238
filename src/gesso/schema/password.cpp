#include "gesso/schema/password.hpp"

#include <algorithm>

#include "gesso/base/text.hpp"

namespace gesso::schema {

Password::Password(std::string_view text) : secret_(text) {
  if (auto violation = check(text)) throw validation_error({*violation});
}

std::optional<Violation> Password::check(std::string_view text) {
  std::optional<Violation> violation;
  if (text.size() < kMin) {
    violation = too_short(kMin, text.size(), LengthUnit::kBytes);
  } else if (text.size() > kMax) {
    violation = too_long(kMax, text.size(), LengthUnit::kBytes);
    violation->message += ": bcrypt reads no more";
  } else if (!is_utf8(text)) {
    violation = not_utf8();
  } else if (text.find('\0') != std::string_view::npos) {
    violation = value_error("A password must not hold a NUL character", {});
    violation->found = "string with a NUL character";
  }
  if (violation) violation->expected = expected();
  return violation;
}

std::string Password::expected() { return length_text(kMin, kMax, LengthUnit::kBytes); }

void Password::json_schema(bson::Builder& keywords) {
  // JSON Schema counts characters; a password of fewer characters may have enough bytes, but none
  // of more than 72 characters fits.
  keywords.append("type", "string")
      .append("format", "password")
      .append("maxLength", static_cast<std::int64_t>(kMax))
      .append("writeOnly", true);
}

PasswordHash::PasswordHash(std::string_view text) : secret_(text) {
  if (auto violation = check(text)) throw validation_error({*violation});
}

std::optional<Violation> PasswordHash::check(std::string_view text) {
  constexpr std::size_t kLength = 60;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_base64 = [&](char c) {
    return c == '.' || c == '/' || is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  // $2b$12$ and the like: the revisions in use differ in bugs of old implementations only.
  const bool fits = text.size() == kLength && text.starts_with("$2") &&
                    std::string_view("abxy").find(text[2]) != std::string_view::npos &&
                    text[3] == '$' && is_digit(text[4]) && is_digit(text[5]) && text[6] == '$' &&
                    std::ranges::all_of(text.substr(7), is_base64);
  if (fits) return std::nullopt;
  Violation violation = value_error("Input should be a bcrypt hash", {});
  violation.expected = expected();
  violation.found = "string of " + count_text(text.size(), LengthUnit::kBytes);
  return violation;
}

}  // namespace gesso::schema
