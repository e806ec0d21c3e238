#include "gesso/domain/sweeper.hpp"

#include <spdlog/spdlog.h>

#include "gesso/domain/account_deletion.hpp"
#include "gesso/domain/billing.hpp"
#include "gesso/domain/charging.hpp"

namespace gesso::domain {

Sweeper::Sweeper(mongo::Service& database, const repositories::RepositoryContext& context,
                 SweeperOptions options)
    : database_(database), context_(context), options_(std::move(options)) {
  thread_ = std::thread([this] { work(); });
}

Sweeper::~Sweeper() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Sweeper::work() {
  bool ending = false;
  while (!ending) {
    sweep_charges();
    if (options_.billing != nullptr) sweep_subscriptions();
    std::unique_lock lock(mutex_);
    ending = changed_.wait_for(lock, options_.interval, [this] { return ending_; });
  }
}

void Sweeper::sweep_charges() {
  try {
    std::int64_t ended = 0;
    const SweepReport report = database_.run([&](mongo::Session& session) {
      ended = GenerationWork(session, context_, options_.work, options_.hooks).end_expired();
      return Charging(session, context_).sweep(options_.charge_grace);
    });
    if (report.resolved + report.refunded + report.failed + ended > 0) {
      spdlog::info(
          "sweep: resolved {} holds, refunded {} generations, ended {} that no worker holds, {} "
          "documents make no sense",
          report.resolved, report.refunded, ended, report.failed);
    }
    const std::int64_t gone = database_.run(
        [this](mongo::Session& session) { return sweep_deleted_accounts(session, context_); });
    if (gone > 0) spdlog::info("sweep: {} deleted accounts are gone", gone);
  } catch (const std::exception& error) {
    spdlog::warn("sweep: {}", error.what());  // the next one will find the same
  }
}

void Sweeper::sweep_subscriptions() {
  try {
    const BillingSweepReport report = database_.run([this](mongo::Session& session) {
      return Billing(session, context_, *options_.billing)
          .sweep_due(context_.clock.now(), options_.stripe);
    });
    if (report.retried + report.renewed + report.ended + report.settled + report.failed > 0) {
      spdlog::info(
          "sweep: applied {} events, renewed {} subscriptions, ended {}, showed {} to their users, "
          "{} documents make no sense",
          report.retried, report.renewed, report.ended, report.settled, report.failed);
    }
    if (report.parked > 0) {
      spdlog::warn("sweep: {} events of payments cannot be applied yet", report.parked);
    }
  } catch (const std::exception& error) {
    spdlog::warn("sweep of subscriptions: {}", error.what());  // the next one will find the same
  }
}

}  // namespace gesso::domain
