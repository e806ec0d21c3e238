// What a numbered write needs beside its number.
#pragma once

#include "gesso/localdb/engine/chain.hpp"

namespace gesso::localdb::cosmos {

// Throws CommandError (61) for an update or a delete of a sharded collection, one of whose
// statements has the shard key neither in its filter nor in its update.
void check_shard_key(const Call& call);

}  // namespace gesso::localdb::cosmos
