// The commands that Cosmos DB has beside MongoDB's, or answers in its own way.
#pragma once

#include <span>

#include "gesso/localdb/engine/context.hpp"

namespace gesso::localdb::cosmos {

// All of them, in no order.
[[nodiscard]] std::span<const Command> cosmos_commands();

// Of one file each.
void get_last_request_statistics(Context& context);
void list_indexes(Context& context);

}  // namespace gesso::localdb::cosmos
