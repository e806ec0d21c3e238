// Values as MongoDB's messages show them: { a: 1, b: "x", c: ObjectId('...') }.
#pragma once

#include <string>

#include "gesso/bson/view.hpp"

namespace gesso::localdb {

[[nodiscard]] std::string shell_text(bson::Value value);
[[nodiscard]] std::string shell_text(bson::View document);

}  // namespace gesso::localdb
