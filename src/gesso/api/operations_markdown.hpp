// The list of operations as a table for people: docs/api.md. Functions only; thread-safe.
#pragma once

#include <span>
#include <string>

#include "gesso/api/operation.hpp"

namespace gesso::api {

// A table for each tag, in the order of the list; those that the document hides are in it.
[[nodiscard]] std::string operations_markdown(std::span<const Operation> operations);

}  // namespace gesso::api
