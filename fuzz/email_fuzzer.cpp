// Email addresses from clients: an accepted one is its own normal form, within the lengths, and
// ASCII without blanks or control characters.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "gesso/schema/email.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gesso::schema::Email;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto email = Email::parse(text);
  if (email.has_value() == Email::check(text).has_value()) __builtin_trap();
  if (!email) return 0;
  if (Email::parse(email->str()) != email) __builtin_trap();
  if (email->str().size() > 254 || email->str().find('@') > 64) __builtin_trap();
  const auto plain = [](char c) { return c > ' ' && c < '\x7F' && !(c >= 'A' && c <= 'Z'); };
  if (!std::ranges::all_of(email->str(), plain)) __builtin_trap();
  return 0;
}
