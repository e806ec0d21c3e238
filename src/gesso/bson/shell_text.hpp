// Values as MongoDB's messages show them: { a: 1, b: "x", c: ObjectId('...') }.
#pragma once

#include <string>

#include "gesso/bson/view.hpp"

namespace gesso::bson {

[[nodiscard]] std::string shell_text(Value value);
[[nodiscard]] std::string shell_text(View document);

}  // namespace gesso::bson
