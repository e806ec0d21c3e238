// bcrypt by libxcrypt: a password to its hash, and the check of one against the other.
//
// bcrypt reads 72 bytes and stops at NUL. It is therefore given the base64 of HMAC-SHA-256 of the
// password under the salt, which is passlib's `bcrypt_sha256`, version 2, in its notation: no
// password is cut, and hashes go to and from Python programs. Hashes of the password itself, as
// earlier versions and others stored them, still verify.
//
// Functions only, thread-safe. Each blocks its thread for about a quarter of a second of CPU at
// the default cost: that is the point of bcrypt, and the reason not to call it on an I/O thread.
#pragma once

#include "gesso/base/random.hpp"
#include "gesso/schema/password.hpp"

namespace gesso::models {

// Rounds are 2 to this power.
inline constexpr unsigned kBcryptCost = 12;

// Salted from `random`. `cost` is 4 to 31; less than the default is for tests. Throws Error
// (kInternal) where libxcrypt refuses.
[[nodiscard]] schema::PasswordHash hash_password(const schema::Password& password, Random& random,
                                                 unsigned cost = kBcryptCost);

// Compares in constant time. Takes what a client typed, which need not be a valid `Password`.
[[nodiscard]] bool verify_password(std::string_view password, const schema::PasswordHash& hash);

// No password's hash. It takes as long to verify one against as against a user's, so that the time
// of an answer does not tell whether there is a user.
[[nodiscard]] schema::PasswordHash hash_of_nobody(unsigned cost);

}  // namespace gesso::models
