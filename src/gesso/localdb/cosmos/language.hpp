// Refuses what a command's documents say that Cosmos DB does not understand: query and update
// operators, stages, expressions, projections.
//
// Looks at names only; what they mean is the engine's business. Pure.
#pragma once

#include "gesso/localdb/wire/message.hpp"

namespace gesso::localdb::cosmos {

// Throws CommandError that names what is refused.
void check_language(const wire::Message& message);

}  // namespace gesso::localdb::cosmos
