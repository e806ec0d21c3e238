// The OpenAPI 3.1 document of a list of operations (https://spec.openapis.org/oas/v3.1.0): every
// path, parameter, body, answer and problem, from the same values that serve them. Operations that
// are hidden are left out.
//
// Described structs that have a name become components, and so do problems, named after their
// codes. Functions only; thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gesso/api/operation.hpp"

namespace gesso::api {

// As JSON text. Throws std::logic_error for what would make the document wrong: two different
// structs or two operations of one name, a problem's code with two statuses.
[[nodiscard]] std::string openapi_document(std::span<const Operation> operations,
                                           std::string_view version);

}  // namespace gesso::api
