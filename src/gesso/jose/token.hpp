// A JSON Web Token in its compact form (RFC 7519, RFC 7515), taken apart and checked.
//
// Pure functions of their arguments, thread-safe. Nothing of a token is shown.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/jose/key_set.hpp"

namespace gesso::jose {

// What keeps a text from being a token.
enum class Malformed {
  kNotThreeParts,  // separated by dots
  kEncoding,       // its header or signature is no base64url, or the header no JSON
  kExtension,      // it must not be believed without knowing an extension (`crit`)
};

// The parts of a token, of which only the header was read. Borrows the token's text.
struct TokenParts {
  std::string algorithm;  // as the header says it; "" where it says none
  std::string key_id;     // likewise
  std::string_view signing_input;
  std::string signature;
  std::string_view claims;  // in base64url
};

// Splits a token. A key that it brings along (`jwk`, `jku`, `x5u`) is not looked at.
[[nodiscard]] std::variant<TokenParts, Malformed> split_token(std::string_view token);

// The registered claims (RFC 7519, section 4.1), and `oid`, by which Entra ID names who it is.
struct Claims {
  std::string issuer;  // "" where it names none, and so on
  std::vector<std::string> audiences;
  std::string subject;
  std::string object_id;
  std::optional<Time> expires;
  std::optional<Time> not_before;
};

// std::nullopt where the text is no object in JSON, or a time is none.
[[nodiscard]] std::optional<Claims> read_claims(std::string_view base64url);

}  // namespace gesso::jose
