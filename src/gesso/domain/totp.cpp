#include "gesso/domain/totp.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <optional>

#include "gesso/base/error.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/base/text.hpp"
#include "gesso/domain/secret_tokens.hpp"

namespace gesso::domain {
namespace {

constexpr std::int64_t kStepSeconds = 30;
constexpr std::size_t kDigits = 6;
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";  // RFC 4648, 6

std::string base32_encode(std::span<const std::uint8_t> bytes) {
  std::string text;
  unsigned bits = 0;
  int count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 5; count -= 5) text += kBase32[(bits >> (count - 5)) & 31];
  }
  if (count > 0) text += kBase32[(bits << (5 - count)) & 31];
  return text;
}

std::string without(std::string_view text, std::string_view ignored) {
  std::string rest;
  for (const char c : text) {
    if (ignored.find(c) == std::string_view::npos) rest += lower(c);
  }
  return rest;
}

}  // namespace

std::string hotp(std::string_view key, std::uint64_t counter) {
  std::array<unsigned char, 8> message{};
  for (std::size_t i = 0; i < message.size(); ++i) {
    message[message.size() - 1 - i] = static_cast<unsigned char>(counter >> (8 * i));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), message.data(), message.size(),
           digest.data(), &size) == nullptr) {
    throw Error(ErrorKind::kInternal, "HMAC-SHA-1 failed");
  }
  const std::size_t at = digest[size - 1] & 15;  // dynamic truncation: RFC 4226, 5.3
  const std::uint32_t number = static_cast<std::uint32_t>(digest[at] & 0x7F) << 24 |
                               static_cast<std::uint32_t>(digest[at + 1]) << 16 |
                               static_cast<std::uint32_t>(digest[at + 2]) << 8 | digest[at + 3];
  std::string code = std::to_string(number % 1'000'000);
  return std::string(kDigits - code.size(), '0') + code;
}

std::string random_totp_secret(Random& random) {
  std::array<std::uint8_t, 20> bytes{};
  random.fill(bytes);
  return base32_encode(bytes);
}

std::string totp_key(std::string_view secret) {
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : secret) {
    const std::size_t value = kBase32.find(c);
    if (value == std::string_view::npos) {
      throw Error(ErrorKind::kInternal, "the secret of a second factor is not in base32");
    }
    bits = bits << 5 | static_cast<unsigned>(value);
    count += 5;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>((bits >> count) & 0xFF);
    }
  }
  return bytes;
}

std::string totp_uri(std::string_view secret, std::string_view account, std::string_view issuer) {
  const std::string from = percent_encode(issuer);
  return "otpauth://totp/" + from + ":" + percent_encode(account) +
         "?secret=" + std::string(secret) + "&issuer=" + from;
}

bool take_totp_code(models::Totp& totp, std::string_view secret, std::string_view code, Time now) {
  const std::string typed = without(code, " ");
  std::string key = totp_key(secret);
  const std::int64_t step =
      std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() / kStepSeconds;
  std::optional<std::int64_t> found;
  for (const std::int64_t one : {step - 1, step, step + 1}) {
    const bool equal = constant_time_equal(hotp(key, static_cast<std::uint64_t>(one)), typed);
    if (equal && one > totp.last_used_step) found = one;
  }
  wipe(key);
  if (!found) return false;
  totp.last_used_step = *found;
  return true;
}

std::vector<std::string> random_recovery_codes(Random& random) {
  std::vector<std::string> codes;
  for (std::size_t i = 0; i < kRecoveryCodes; ++i) {
    std::array<std::uint8_t, 15> bytes{};
    random.fill(bytes);
    const std::string letters = lower(base32_encode(bytes));
    std::string code;
    for (std::size_t at = 0; at < letters.size(); at += 6) {
      if (at > 0) code += '-';
      code += letters.substr(at, 6);
    }
    codes.push_back(std::move(code));
  }
  return codes;
}

models::TokenHash hash_recovery_code(std::string_view code) {
  return hash_token("recovery/" + without(code, " -"));
}

bool take_recovery_code(std::vector<models::TokenHash>& codes, std::string_view code) {
  const models::TokenHash typed = hash_recovery_code(code);
  auto found = codes.end();
  for (auto one = codes.begin(); one != codes.end(); ++one) {
    if (constant_time_equal(one->str(), typed.str())) found = one;
  }
  if (found == codes.end()) return false;
  codes.erase(found);
  return true;
}

}  // namespace gesso::domain
