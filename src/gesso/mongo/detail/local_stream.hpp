// A libmongoc stream to a server of this process, without a socket: what is written is answered on
// the writer's thread, and the answer lies there to be read. Internal to mongo/.
//
// Used by the worker thread that leases the client, and by no other.
#pragma once

#include "gesso/mongo/detail/driver.hpp"
#include "gesso/mongo/local_connection.hpp"

namespace gesso::mongo::detail {

// Owned by libmongoc, which destroys it through its own table.
[[nodiscard]] mongoc_stream_t* make_local_stream(LocalConnection connection);

}  // namespace gesso::mongo::detail
