// One value put into a document at a dotted path.
#pragma once

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {

// The document with `value` at `path`; a missing one takes the field away. What stands in the way
// and is no document is replaced; new fields come last.
[[nodiscard]] bson::Document set_path(bson::View document, const FieldPath& path,
                                      bson::Value value);

}  // namespace gesso::localdb
