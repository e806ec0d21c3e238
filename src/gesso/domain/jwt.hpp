// Access tokens: JSON Web Tokens signed with HMAC-SHA-256 (RFC 7519, RFC 7515). Small on purpose:
// one algorithm, one key, three claims.
//
// Const after construction, hence thread-safe; never blocks. Borrows the clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/base/secret.hpp"

namespace gesso::domain {

enum class TokenFault {
  kMalformed,  // not one of our tokens' shape
  kSignature,  // signed with another key or algorithm, or tampered with
  kExpired,
};

// For the client: "The token has expired".
[[nodiscard]] std::string_view describe(TokenFault fault) noexcept;

class Tokens {
  Secret key_;
  std::chrono::seconds lifetime_;
  const Clock& clock_;

 public:
  static constexpr std::size_t kMinKeyBytes = 32;      // RFC 7518, 3.2
  static constexpr std::size_t kMaxTokenBytes = 4096;  // ours have about 200

  // Throws Error (kValidation) for a key of less than `kMinKeyBytes`.
  Tokens(Secret key, std::chrono::seconds lifetime, const Clock& clock);

  // A token that says `subject`, from now for `lifetime`.
  [[nodiscard]] std::string issue(std::string_view subject) const;

  // The subject of a good token; std::nullopt and the fault otherwise. The algorithm is ours
  // whatever the token says; the signature is checked before anything inside is read, in a time
  // that does not depend on it.
  [[nodiscard]] std::optional<std::string> verify(std::string_view token, TokenFault& fault) const;

  [[nodiscard]] std::chrono::seconds lifetime() const noexcept { return lifetime_; }
};

// HMAC-SHA-256.
[[nodiscard]] std::string sign(std::string_view key, std::string_view signing_input);

// The token of an `Authorization: Bearer ...` field; std::nullopt for another scheme.
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization);

}  // namespace gesso::domain
