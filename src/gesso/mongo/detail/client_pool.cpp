#include "gesso/mongo/detail/client_pool.hpp"

#include <utility>

namespace gesso::mongo::detail {

ClientPool::ClientPool(PoolPtr pool) : pool_(std::move(pool)) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  // Deprecated because its name misleads; what it does is what is wanted here.
  const Muted warning;
  mongoc_client_pool_min_size(pool_.get(), 1);
#pragma GCC diagnostic pop
}

ClientPool::~ClientPool() {
  // Forgets the sessions: ending them would need a connection, of which there is none left, and
  // libmongoc would wait for a server first. They expire on the server.
  mongoc_client_t* blank = mongoc_client_pool_pop(pool_.get());
  mongoc_client_reset(blank);
  mongoc_client_pool_push(pool_.get(), blank);
}

mongoc_client_t* ClientPool::pop() {
  const std::lock_guard lock(mutex_);
  return mongoc_client_pool_pop(pool_.get());
}

void ClientPool::push(mongoc_client_t* client) {
  const std::lock_guard lock(mutex_);
  mongoc_client_pool_push(pool_.get(), client);
}

void ClientPool::close(mongoc_client_t* client) {
  const std::lock_guard lock(mutex_);
  mongoc_client_t* blank = mongoc_client_pool_pop(pool_.get());
  mongoc_client_pool_push(pool_.get(), client);
  mongoc_client_pool_push(pool_.get(), blank);
}

}  // namespace gesso::mongo::detail
