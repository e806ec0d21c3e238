// The values that `distinct` sees at a path: arrays fan out, on the way and once at the end; a
// component of digits is also a position.
#pragma once

#include <functional>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {

void for_each_distinct(bson::View document, const FieldPath& path,
                       const std::function<void(bson::Value)>& visit);

}  // namespace gesso::localdb
