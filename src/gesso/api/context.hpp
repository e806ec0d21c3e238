// What the handlers of every resource share. Borrows: all of it must outlive the HTTP server and
// the database service. Thread-safe, as its parts are.
#pragma once

#include <chrono>

#include "gesso/api/hash_pool.hpp"
#include "gesso/api/jwt.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/context.hpp"

namespace gesso::api {

struct Context {
  mongo::Service& database;
  const repositories::Context& repositories;
  const Tokens& tokens;
  HashPool& hashes;
  std::chrono::milliseconds request_timeout{30'000};
};

}  // namespace gesso::api
