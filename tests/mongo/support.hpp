// A service on a scripted server, with short times.
#pragma once

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "gesso/base/clock.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/testing/scripted_server.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/support/eventually.hpp"

namespace gesso::mongo {

inline ServiceOptions short_options(const std::string& uri) {
  return {.uri = Secret(std::string_view(uri)),
          .database = "test",
          .pool_size = 4,
          .warm_minimum = 0,
          .queue_limit = 4,
          .connect_attempts = 1,
          .server_selection_timeout = std::chrono::milliseconds{2000},
          .connect_timeout = std::chrono::milliseconds{1000},
          .default_deadline = std::chrono::milliseconds{5000}};
}

struct World {
  SystemClock clock;
  testing::SeededRandom random;
};

// What `f` throws.
template <class F>
Error error_of(F&& f) {
  try {
    std::forward<F>(f)();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::kInternal, "nothing was thrown");
}

using gesso::testing::eventually;

}  // namespace gesso::mongo
