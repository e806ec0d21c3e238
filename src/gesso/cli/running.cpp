#include "gesso/cli/running.hpp"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stop_token>

#include "gesso/base/error.hpp"

namespace gesso::cli {

DatabaseTimers timers_of(api::Metrics& metrics) {
  return {.command = [&metrics](std::string_view name, std::chrono::microseconds duration,
                                bool ok) { metrics.command(name, duration, ok); },
          .wait = [&metrics](std::chrono::microseconds waited) { metrics.wait(waited); },
          .charge = [&metrics](const mongo::CommandCharge& charge) { metrics.charge(charge); }};
}

void listen(http::Server& server, std::string_view address) {
  try {
    server.start();
  } catch (const Error& error) {
    throw Failure(ExitCode::kAddressInUse, error.what());
  }
  spdlog::info("listening on {}:{}", parse_address(address).value().host, server.port());
}

LastResort::LastResort(std::chrono::milliseconds limit)
    : thread_([limit](const std::stop_token& stop) {
        std::mutex mutex;  // guards nothing: the condition variable asks for one
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        if (stopped.wait_for(lock, stop, limit, [&] { return stop.stop_requested(); })) return;
        if (stop.stop_requested()) return;
        spdlog::warn("the database still holds work that was asked for: ending without it");
        spdlog::default_logger()->flush();
        std::_Exit(static_cast<int>(ExitCode::kOk));
      }) {}

bool connect(Database& database, Signals& signals, const std::function<void()>& ending) {
  std::stop_source stop;
  signals.on_request([&] {
    ending();
    stop.request_stop();
  });
  try {
    if (!database.is_embedded() && database.vault() == nullptr) {
      spdlog::info("connecting to {}", database.description());
    }
    database.connect(stop.get_token());
  } catch (const Error&) {
    signals.on_request({});
    if (signals.requested()) return false;
    throw;
  }
  signals.on_request({});
  return !signals.requested();
}

}  // namespace gesso::cli
