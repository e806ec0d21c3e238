// Housekeeping on a thread of its own, again and again: resolves the holds that a crash left of
// charges, ends generations whose last worker has gone, deletes what is left of deleted accounts,
// does what the clock brings to subscriptions, and removes images that nobody has.
//
// Owned by whoever serves. Safe beside other processes that do the same. Destroying it waits for a
// sweep that runs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "gesso/domain/billing_decisions.hpp"
#include "gesso/domain/generation_work.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

// What one sweep did.
struct SweepRun {
  std::string_view name;  // "charges", "accounts", "subscriptions", "images"
  std::chrono::microseconds duration{};
  bool ok = false;
  // How many of what changed: {"holds_resolved", 3}. Names of static storage.
  std::vector<std::pair<std::string_view, std::int64_t>> changes = {};
};

struct SweeperOptions {
  std::chrono::milliseconds interval{60'000};
  std::chrono::milliseconds charge_grace{300'000};  // younger charges are still on their way
  // Borrowed; without it subscriptions are left alone.
  const BillingSettings* billing = nullptr;
  // Asked which of two states is newer (without it the events' ids decide), and to cancel what
  // users who deleted their accounts pay for (without it that waits).
  StripeTransport stripe = {};
  WorkOptions work = {};  // what workers are held to
  GenerationHooks hooks = {};
  // Images that nobody has, by `hooks.images`, are removed once they are so old.
  std::chrono::milliseconds image_grace = std::chrono::hours(1);
  std::function<void(const SweepRun&)> on_sweep = {};  // on the sweeper's thread
};

class Sweeper {
  mongo::Service& database_;
  const repositories::RepositoryContext& context_;
  SweeperOptions options_;
  std::string images_swept_;  // to which name, on the sweeper's thread
  std::mutex mutex_;          // guards the two below
  bool ending_ = false;
  bool hurry_ = false;         // an account was deleted
  std::stop_source removing_;  // images, which may take long
  std::condition_variable changed_;
  std::thread thread_;

  void work();
  // Until the next sweep is due, or the end. Returns whether it is the end.
  bool wait();
  // Runs one, and tells what became of it.
  void sweep(std::string_view name, void (Sweeper::*run)(SweepRun&));
  // Runs a unit of work behind all that somebody waits for.
  template <class F>
  auto in_background(F&& unit) {
    return database_.run(Deadline::after(database_.default_deadline()), std::forward<F>(unit),
                         mongo::Priority::kBackground);
  }
  void sweep_charges(SweepRun& run);
  void sweep_accounts(SweepRun& run);
  void sweep_subscriptions(SweepRun& run);
  void sweep_images(SweepRun& run);

 public:
  // Begins with a sweep.
  Sweeper(mongo::Service& database, const repositories::RepositoryContext& context,
          SweeperOptions options);
  ~Sweeper();
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;

  // Waits for a sweep that runs; there is none after it. Idempotent; one thread at a time.
  void stop();
  // Has it look after deleted accounts at once, unless it has stopped. Does not block.
  void hurry();
};

}  // namespace gesso::domain
