// What the commands share that run on until they are told to end, `serve` and `work`.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>
#include <thread>

#include "gesso/api/metrics.hpp"
#include "gesso/cli/database.hpp"
#include "gesso/cli/signals.hpp"
#include "gesso/http/server.hpp"

namespace gesso::cli {

// Borrows the metrics.
[[nodiscard]] DatabaseTimers timers_of(api::Metrics& metrics);

// Begins to serve on `address`, of the settings. Throws Failure (kAddressInUse).
void listen(http::Server& server, std::string_view address);

// Connects; false where a signal came first, of which `ending` is told. Blocks; throws as
// Database::connect.
[[nodiscard]] bool connect(Database& database, Signals& signals,
                           const std::function<void()>& ending);

// Ends the process where its end takes longer: a database that fell silent holds units of work, and
// the driver's attempts to connect, for up to their own deadlines, when a platform has long lost
// its patience. What was acknowledged is on disk.
class LastResort {
  std::jthread thread_;

 public:
  explicit LastResort(std::chrono::milliseconds limit);
};

}  // namespace gesso::cli
