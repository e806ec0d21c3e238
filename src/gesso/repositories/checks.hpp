// Checks of arguments that several repositories make.
#pragma once

#include <cstdint>
#include <string>

#include "gesso/base/error.hpp"

namespace gesso::repositories {

// Throws Error (kValidation) at `name` unless `value` is at least `minimum`.
inline void require_at_least(std::int64_t minimum, const char* name, std::int64_t value) {
  if (value >= minimum) return;
  const std::string least = std::to_string(minimum);
  throw validation_error({{.path = {name},
                           .type = "greater_than_equal",
                           .message = "Input should be greater than or equal to " + least,
                           .expected = "integer of at least " + least,
                           .found = std::to_string(value)}});
}

}  // namespace gesso::repositories
