// All operations of the API, by resource. What is not in here does not exist.
//
// To add one: its function and a line in its resource's file, and its test.
#pragma once

#include <vector>

#include "gesso/api/operation.hpp"

namespace gesso::api {

// /healthz, /readyz, /metrics
[[nodiscard]] Operations operational_operations();
// /api/v1/auth
[[nodiscard]] Operations auth_operations();
// /api/v1/users
[[nodiscard]] Operations user_operations();
// /api/v1/generations
[[nodiscard]] Operations generation_operations();

// All of them, in the order of the document.
[[nodiscard]] const std::vector<Operation>& operations();

}  // namespace gesso::api
