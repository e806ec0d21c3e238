// A libmongoc stream that gives up at the deadline of the unit of work it serves, where libmongoc
// itself knows one socket timeout for all. Internal to mongo/.
//
// Used by the worker thread that leases the client, and by no other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "gesso/base/deadline.hpp"
#include "gesso/mongo/detail/driver.hpp"

namespace gesso::mongo::detail {

// What the streams of one client share with its lease.
struct StreamLimits {
  mongoc_client_t* client = nullptr;
  Deadline deadline;
  // Opening a connection (TLS, hello, credentials) gets at least this long whatever the deadline:
  // libmongoc takes a connection that does not open for a server that is gone, for everybody.
  std::chrono::milliseconds connect_timeout{5000};
  // Commands that came back. A stream older than the last of them is open.
  std::uint64_t commands = 0;
  // Connections of this client that stand; and of all clients.
  int open = 0;
  // Connections that this client has ever opened.
  std::uint64_t opened = 0;
  std::atomic<std::size_t>* open_in_service = nullptr;
};

// Makes `limits.client` open its connections through such streams. The limits must outlive it.
void limit_streams(StreamLimits& limits);

}  // namespace gesso::mongo::detail
