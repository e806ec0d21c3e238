// Conversions between types, as $convert and its short forms, and the string operators, do them.
#pragma once

#include <optional>
#include <string>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/aggregate/arena.hpp"

namespace gesso::localdb {

// Throws CommandError (241) for what cannot be converted. `value` is not null or missing.
[[nodiscard]] bson::Value convert_value(bson::Value value, bson::Type to, Arena& arena);

// What the string operators take for a string: numbers, dates and the like too, "" for null.
// Throws CommandError (16007) for others.
[[nodiscard]] std::string coerce_to_string(bson::Value value);

}  // namespace gesso::localdb
