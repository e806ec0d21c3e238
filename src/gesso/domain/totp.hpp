// The second factor: time-based one-time passwords (RFC 6238: HMAC-SHA-1, 6 digits, 30 seconds, as
// every authenticator program takes them), and the recovery codes that replace one.
//
// Pure functions over the stored values; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/models/account_state.hpp"

namespace gesso::domain {

// RFC 4226: the code of a counter. `key` is the secret's bytes.
[[nodiscard]] std::string hotp(std::string_view key, std::uint64_t counter);

// 160 random bits in base32, which people may have to type.
[[nodiscard]] std::string random_totp_secret(Random& random);
// The bytes that it stands for. Throws Error (kInternal) where it is not in base32.
[[nodiscard]] std::string totp_key(std::string_view secret);
// What a QR code holds (the Key Uri Format of Google Authenticator).
[[nodiscard]] std::string totp_uri(std::string_view secret, std::string_view account,
                                   std::string_view issuer);

// Whether `code` is `secret`'s of the current 30 seconds, of those before or of those after, and of
// none whose code was taken before. If so, notes it in `totp`. Blanks within the code do not count.
// Takes as long for each. `secret` is what `totp` holds, in plain text: see stored_totp.hpp.
[[nodiscard]] bool take_totp_code(models::Totp& totp, std::string_view secret,
                                  std::string_view code, Time now);

inline constexpr std::size_t kRecoveryCodes = 10;

// Codes of 120 random bits: "abcdef-ghijkl-mnopqr-stuvwx". What is stored of them is their hash.
[[nodiscard]] std::vector<std::string> random_recovery_codes(Random& random);
[[nodiscard]] models::TokenHash hash_recovery_code(std::string_view code);
// Whether it is one of them. If so, takes it away. Blanks, dashes and case do not count.
[[nodiscard]] bool take_recovery_code(std::vector<models::TokenHash>& codes, std::string_view code);

}  // namespace gesso::domain
