// libmongoc's pool of clients, with the one thing it lacks: closing a chosen client. Internal to
// mongo/.
//
// Why a pool and not single-threaded clients: pooled clients share one view of the servers, kept
// fresh by a background thread, so that one lost server is found once and waited for without
// scanning inside a request. How one is closed: libmongoc's `min_size` is really the most clients
// that may lie in the pool, and it destroys the one that lay there longest. All clients in use are
// with the workers, so with a limit of one, pushing the chosen client and then a blank one (that
// has no connection yet) destroys the chosen one.
//
// Thread-safe. Clients must be back before it is destroyed.
#pragma once

#include <mutex>

#include "gesso/mongo/detail/driver.hpp"

namespace gesso::mongo::detail {

class ClientPool {
  std::mutex mutex_;  // makes the three steps of `close` one
  PoolPtr pool_;

 public:
  // The URI's maxPoolSize must leave room for one more than are in use.
  explicit ClientPool(PoolPtr pool);
  ClientPool(const ClientPool&) = delete;
  ClientPool& operator=(const ClientPool&) = delete;
  ~ClientPool();

  // A client for the caller alone; with a connection only where one was pushed back.
  [[nodiscard]] mongoc_client_t* pop();
  void push(mongoc_client_t* client);
  // Ends the client's connections and destroys it.
  void close(mongoc_client_t* client);
};

}  // namespace gesso::mongo::detail
