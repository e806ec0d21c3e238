// JSON Schema of every model: what `gesso schema` prints and the OpenAPI document takes up.
#pragma once

#include "gesso/bson/view.hpp"

namespace gesso::models {

// {"User": {...}, ..., "UserCreate": {...}, ...}. The documents as they are sent, the requests as
// they are accepted.
[[nodiscard]] bson::Document json_schemas();

}  // namespace gesso::models
