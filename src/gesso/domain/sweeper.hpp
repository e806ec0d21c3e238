// Housekeeping on a thread of its own, again and again: resolves the holds that a crash left of
// charges, ends generations whose last worker has gone, deletes what is left of deleted accounts,
// and does what the clock brings to subscriptions.
//
// Owned by whoever serves. Safe beside other processes that do the same. Destroying it waits for a
// sweep that runs.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "gesso/domain/billing_decisions.hpp"
#include "gesso/domain/generation_work.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/repository_context.hpp"

namespace gesso::domain {

struct SweeperOptions {
  std::chrono::milliseconds interval{60'000};
  std::chrono::milliseconds charge_grace{300'000};  // younger charges are still on their way
  // Borrowed; without it subscriptions are left alone.
  const BillingSettings* billing = nullptr;
  // Asked which of two states is newer; without it the events' ids decide.
  StripeTransport stripe = {};
  WorkOptions work = {};  // what workers are held to
  GenerationHooks hooks = {};
};

class Sweeper {
  mongo::Service& database_;
  const repositories::RepositoryContext& context_;
  SweeperOptions options_;
  std::mutex mutex_;  // guards ending_
  bool ending_ = false;
  std::condition_variable changed_;
  std::thread thread_;

  void work();
  void sweep_charges();
  void sweep_subscriptions();

 public:
  // Begins with a sweep.
  Sweeper(mongo::Service& database, const repositories::RepositoryContext& context,
          SweeperOptions options);
  ~Sweeper();
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;
};

}  // namespace gesso::domain
