// The OpenAPI 3.1 document of a list of operations (https://spec.openapis.org/oas/v3.1.0): every
// path, parameter, body, answer and problem, from the same values that serve them.
//
// Described structs that have a name become components, once each. Functions only; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gesso/api/operation.hpp"

namespace gesso::api {

// As JSON text. Throws std::logic_error where two different structs have one name.
[[nodiscard]] std::string openapi_document(const std::vector<Operation>& operations,
                                           std::string_view version);

}  // namespace gesso::api
