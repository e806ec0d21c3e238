// A password on its way to its hash, and the hash.
//
// What may happen to either is in the types: a `Password` can be read, and written nowhere; a
// `PasswordHash` goes to BSON, and no JSON can be made of it. Both wipe their memory. Neither
// shows in a violation or prints.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/base/secret.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/schema/access.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::schema {

// 8 to 256 characters of any kind, taken exactly as they come: what bcrypt would not read of them
// (it stops at 72 bytes and at NUL) is no matter of whoever chooses a password, but of how it is
// hashed (models/password_hashing.hpp). Move-only.
class Password {
  Secret secret_;

  Password() = default;
  friend struct Access;
  void set(std::string_view text) { secret_ = Secret(text); }

 public:
  using Wire = std::string_view;
  static constexpr bool kSecret = true;   // violations say nothing of the value
  static constexpr bool kInBson = false;  // no way out
  static constexpr bool kInJson = false;
  static constexpr std::size_t kMin = 8;
  static constexpr std::size_t kMax = 256;

  // Throws Error (kValidation).
  explicit Password(std::string_view text);

  // The one way to the text; greppable.
  [[nodiscard]] std::string_view reveal() const noexcept { return secret_.reveal(); }

  [[nodiscard]] static std::optional<Violation> check(std::string_view text);
  [[nodiscard]] static std::string expected();
  static void json_schema(bson::Builder& keywords);
};

// A bcrypt hash: of the password itself in crypt(3)'s notation, "$2b$12$" and 53 characters, or of
// its HMAC in passlib's, "$bcrypt-sha256$v=2,t=2b,r=12$", 22 characters, "$" and 31. Copyable,
// since a user is.
class PasswordHash {
  Secret secret_;

  PasswordHash() = default;
  friend struct Access;
  void set(std::string_view text) { secret_ = Secret(text); }

 public:
  using Wire = std::string_view;
  static constexpr bool kSecret = true;
  static constexpr bool kInJson = false;  // what has it, is without it in JSON; alone it has none

  // Throws Error (kValidation).
  explicit PasswordHash(std::string_view text);
  PasswordHash(const PasswordHash& other) : secret_(other.secret_.clone()) {}
  PasswordHash& operator=(const PasswordHash& other) {
    if (this != &other) secret_ = other.secret_.clone();
    return *this;
  }
  PasswordHash(PasswordHash&&) noexcept = default;
  PasswordHash& operator=(PasswordHash&&) noexcept = default;
  ~PasswordHash() = default;

  // The one way to the hash, for crypt(3) and the database, under a name that a search through the
  // sources finds. Valid as long as this is.
  [[nodiscard]] std::string_view reveal() const noexcept { return secret_.reveal(); }
  [[nodiscard]] Wire wire() const noexcept { return secret_.reveal(); }

  [[nodiscard]] static std::optional<Violation> check(std::string_view text);
  [[nodiscard]] static std::string expected() { return "bcrypt hash"; }

  friend bool operator==(const PasswordHash& left, const PasswordHash& right) {
    return left.secret_.equals(right.reveal());
  }
};

}  // namespace gesso::schema
