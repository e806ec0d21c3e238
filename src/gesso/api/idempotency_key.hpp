// The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header-07): how it is read, and
// what is wrong with one. Pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "gesso/api/result.hpp"
#include "gesso/domain/idempotency.hpp"

namespace gesso::api {

// Section 2.7 of the draft.
using BadKey = Problem<400, "bad_idempotency_key", "Bad idempotency key">;
using KeyReused = Problem<422, "idempotency_key_reused", "Idempotency key reused">;

// A key as the header gives it: a structured-field string (RFC 8941, section 3.3.3), or bare as
// clients of other services send it. std::nullopt for what is neither.
[[nodiscard]] std::optional<domain::IdempotencyKey> read_key(std::string_view text);

[[nodiscard]] inline BadKey bad_key() {
  return {.detail = "A key has 1 to 255 characters, in quotes or bare"};
}
[[nodiscard]] inline KeyReused key_reused() {
  return {.detail = "The key was used for another request"};
}

}  // namespace gesso::api
