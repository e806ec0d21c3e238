#include "gesso/localdb/engine/auth/token_issuer.hpp"

#include <variant>

#include "gesso/jose/token.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb::auth {
namespace {

[[noreturn]] void refuse(const char* text) { throw CommandError(ErrorCode::kUnauthorized, text); }

}  // namespace

TokenBearer TokenIssuer::check(std::string_view token, Time now) const {
  const auto split = jose::split_token(token);
  if (const auto* wrong = std::get_if<jose::Malformed>(&split)) {
    refuse(*wrong == jose::Malformed::kNotThreeParts ? "Invalid JWT token format."
                                                     : "Invalid JWT token encoding.");
  }
  const auto& parts = std::get<jose::TokenParts>(split);
  const auto claims = jose::read_claims(parts.claims);
  if (!claims) refuse("Invalid JWT token encoding.");
  if (claims->object_id.empty()) refuse("Token does not contain OID.");
  if (claims->audiences.size() != 1 || claims->audiences.front() != rules_.audience) {
    refuse("Invalid audience claim.");
  }
  const auto algorithm = jose::parse_algorithm(parts.algorithm);
  const auto* key = algorithm ? keys_.find(parts.key_id, *algorithm) : nullptr;
  const bool good = key != nullptr && key->verifies(parts.signing_input, parts.signature) &&
                    claims->issuer == rules_.issuer && claims->expires &&
                    (!claims->not_before || *claims->not_before <= now + rules_.clock_skew);
  if (!good) refuse("Token validation failed");
  const Time until = *claims->expires + rules_.clock_skew;
  if (until <= now) {
    throw CommandError(ErrorCode::kReauthenticationRequired, "Token has expired.");
  }
  return {.object_id = claims->object_id, .until = until};
}

}  // namespace gesso::localdb::auth
