// Signed tokens: JSON Web Tokens with HMAC-SHA-256 (RFC 7519, RFC 7515), as RFC 8725 and RFC 9068
// advise.
//
// One algorithm, whatever a token says. A token says what it is for in `typ` and `aud`, so that
// none for one use passes for another. Two keys may be good at a time: the current one signs and
// verifies, the one before it only verifies, so that a key is changed without ending a session.
// Nothing of a token is read before its signature is found good, and nothing in its header leads
// anywhere: `kid` is compared, `jku`, `x5u`, `jwk` are not looked at, `crit` is refused.
//
// Good access tokens are remembered, some thousands of them, so that to verify one again costs a
// look-up. Thread-safe; never blocks. Borrows the clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/secret.hpp"

namespace gesso::domain {

enum class TokenFault {
  kMalformed,  // not a token of ours for this use
  kSignature,  // signed with another key or algorithm, or tampered with
  kExpired,
};

// For the client: "The token has expired".
[[nodiscard]] std::string_view describe(TokenFault fault) noexcept;

enum class TokenUse {
  kAccess,        // `typ` "at+jwt"
  kSecondFactor,  // `typ` "mfa+jwt": the password was right, the code is still asked for
};

struct TokenClaims {
  std::string subject;     // `sub`: the user's id
  std::string session_id;  // `sid`: the login; of a second factor, what binds it to the password
  std::string token_id;    // `jti`
};

struct TokenSettings {
  std::string issuer = "gesso";
  std::string audience = "gesso";
  std::chrono::seconds access_lifetime = std::chrono::minutes{15};
  std::chrono::seconds second_factor_lifetime = std::chrono::minutes{5};
};

namespace detail {
class VerifiedTokens;
}

class Tokens {
  struct Key {
    Secret secret;
    HmacSha256 hmac;
    std::string id;                    // `kid`
    std::vector<std::string> headers;  // encoded, one a use
  };
  std::vector<Key> keys_;  // the current one, then the one before it
  TokenSettings settings_;
  const Clock& clock_;
  std::unique_ptr<detail::VerifiedTokens> verified_;  // access tokens

 public:
  static constexpr std::size_t kMinKeyBytes = 32;      // RFC 7518, 3.2
  static constexpr std::size_t kMaxTokenBytes = 4096;  // ours have about 350

  // Throws Error (kValidation) for a key of less than `kMinKeyBytes`.
  Tokens(Secret current, std::optional<Secret> previous, TokenSettings settings,
         const Clock& clock);
  Tokens(Secret key, std::chrono::seconds access_lifetime, const Clock& clock)
      : Tokens(std::move(key), std::nullopt, {.access_lifetime = access_lifetime}, clock) {}
  ~Tokens();

  // A token that says `claims`, from now for the use's lifetime.
  [[nodiscard]] std::string issue(TokenUse use, const TokenClaims& claims) const;

  // What a good token says; std::nullopt and the fault otherwise. Takes a time that does not depend
  // on the signature.
  [[nodiscard]] std::optional<TokenClaims> verify(TokenUse use, std::string_view token,
                                                  TokenFault& fault) const;

  [[nodiscard]] std::chrono::seconds lifetime(TokenUse use) const noexcept;

  // 256 bits that nobody has without the key, one value for each `purpose` and `text`: by the
  // current key, then by the one before it. In base64url.
  [[nodiscard]] std::vector<std::string> derive(std::string_view purpose,
                                                std::string_view text) const;
  // `kid` of the key that signs.
  [[nodiscard]] std::string_view key_id() const { return keys_.front().id; }

 private:
  struct Verified;
  // Without regard to what is remembered.
  [[nodiscard]] std::optional<Verified> verify_anew(TokenUse use, std::string_view token,
                                                    TokenFault& fault) const;
  [[nodiscard]] double seconds_now() const;
};

// HMAC-SHA-256.
[[nodiscard]] std::string sign(std::string_view key, std::string_view signing_input);

// The token of an `Authorization: Bearer ...` field, any number of blanks between; std::nullopt for
// another scheme and for none.
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization);

}  // namespace gesso::domain
