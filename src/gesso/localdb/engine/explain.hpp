// What `explain` shows, also of an aggregation that asks for it by its own option.
#pragma once

#include <string_view>

#include "gesso/localdb/engine/context.hpp"

namespace gesso::localdb {

// Appends the explanation of the aggregation in the context's arguments.
void explain_aggregate(Context& context, const Transaction& snapshot, std::string_view verbosity);

}  // namespace gesso::localdb
