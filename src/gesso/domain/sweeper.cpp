#include "gesso/domain/sweeper.hpp"

#include <spdlog/spdlog.h>

#include "gesso/domain/account_deletion.hpp"
#include "gesso/domain/billing.hpp"
#include "gesso/domain/charging.hpp"
#include "gesso/domain/credit_grants.hpp"
#include "gesso/domain/orphan_images.hpp"

namespace gesso::domain {

namespace {

// Of deleted accounts, in one sweep: other sweeps wait for it.
constexpr std::chrono::seconds kTimeForImages{30};

}  // namespace

Sweeper::Sweeper(mongo::Service& database, const repositories::RepositoryContext& context,
                 SweeperOptions options)
    : database_(database), context_(context), options_(std::move(options)) {
  thread_ = std::thread([this] { work(); });
}

Sweeper::~Sweeper() { stop(); }

void Sweeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  removing_.request_stop();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Sweeper::work() {
  bool ending = false;
  while (!ending) {
    sweep("charges", &Sweeper::sweep_charges);
    sweep("accounts", &Sweeper::sweep_accounts);
    if (options_.billing != nullptr) sweep("subscriptions", &Sweeper::sweep_subscriptions);
    if (options_.hooks.images != nullptr) sweep("images", &Sweeper::sweep_images);
    ending = wait();
  }
}

bool Sweeper::wait() {
  const Deadline due = Deadline::after(options_.interval);
  std::unique_lock lock(mutex_);
  while (changed_.wait_for(lock, due.remaining(), [this] { return ending_ || hurry_; })) {
    if (ending_) return true;
    hurry_ = false;
    lock.unlock();
    sweep("accounts", &Sweeper::sweep_accounts);
    lock.lock();
  }
  return false;
}

void Sweeper::hurry() {
  {
    const std::lock_guard lock(mutex_);
    hurry_ = true;
  }
  changed_.notify_all();
}

void Sweeper::sweep(std::string_view name, void (Sweeper::*run)(SweepRun&)) {
  SweepRun sweep{.name = name};
  const auto began = std::chrono::steady_clock::now();
  try {
    (this->*run)(sweep);
    sweep.ok = true;
  } catch (const std::exception& error) {
    spdlog::warn("sweep of {}: {}", name, error.what());  // the next one will find the same
  }
  sweep.duration = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  if (options_.on_sweep) options_.on_sweep(sweep);
}

void Sweeper::sweep_charges(SweepRun& run) {
  std::int64_t ended = 0;
  GrantSweepReport grants;
  const SweepReport report = in_background([&](mongo::Session& session) {
    ended = GenerationWork(session, context_, options_.work, options_.hooks).end_expired();
    grants = CreditGrants(session, context_).sweep(options_.charge_grace);
    return Charging(session, context_).sweep(options_.charge_grace);
  });
  const std::int64_t failed = report.failed + grants.failed;
  run.changes = {{"holds_resolved", report.resolved},
                 {"generations_refunded", report.refunded},
                 {"generations_ended", ended},
                 {"grants_finished", grants.finished},
                 {"documents_failed", failed}};
  if (report.resolved + report.refunded + grants.finished + failed + ended > 0) {
    spdlog::info(
        "sweep: resolved {} holds, refunded {} generations, ended {} that no worker holds, "
        "finished {} grants, {} documents make no sense",
        report.resolved, report.refunded, ended, grants.finished, failed);
  }
}

void Sweeper::sweep_accounts(SweepRun& run) {
  static const BillingSettings kNothingSold;
  const BillingSettings& billing = options_.billing != nullptr ? *options_.billing : kNothingSold;
  const RunUnit run_unit = [this](const Unit& unit) {
    in_background([&](mongo::Session& session) { unit(session); });
  };
  const DeletionReport report = sweep_deleted_accounts(
      run_unit, context_, {.settings = billing, .stripe = options_.stripe}, options_.hooks.images,
      {.deadline = Deadline::after(kTimeForImages), .stop = removing_.get_token()});
  run.changes = {{"accounts_deleted", report.gone}, {"plans_cancelled", report.cancelled}};
  if (report.gone + report.cancelled > 0) {
    spdlog::info("sweep: {} deleted accounts are gone, {} of their plans are cancelled at Stripe",
                 report.gone, report.cancelled);
  }
  if (report.paying > 0) {
    spdlog::warn("sweep: {} deleted accounts still pay at Stripe{}", report.paying,
                 options_.stripe ? "" : ": stripe_secret_key is not set");
  }
}

void Sweeper::sweep_images(SweepRun& run) {
  constexpr std::size_t kBlobsPerSweep = 5'000;
  const RunUnit run_unit = [this](const Unit& unit) {
    database_.run([&](mongo::Session& session) { unit(session); });
  };
  OrphanSweepReport report =
      sweep_orphan_images(run_unit, context_, *options_.hooks.images, images_swept_, kBlobsPerSweep,
                          options_.image_grace);
  images_swept_ = std::move(report.last);
  run.changes = {{"images_removed", report.removed}};
  if (report.removed > 0) {
    spdlog::info("sweep: removed {} of {} images, which nobody has", report.removed,
                 report.looked_at);
  }
}

void Sweeper::sweep_subscriptions(SweepRun& run) {
  const BillingSweepReport report = in_background([this](mongo::Session& session) {
    return Billing(session, context_, *options_.billing)
        .sweep_due(context_.clock.now(), options_.stripe);
  });
  run.changes = {{"events_applied", report.retried},
                 {"subscriptions_renewed", report.renewed},
                 {"subscriptions_ended", report.ended},
                 {"subscriptions_settled", report.settled},
                 {"documents_failed", report.failed}};
  if (report.retried + report.renewed + report.ended + report.settled + report.failed > 0) {
    spdlog::info(
        "sweep: applied {} events, renewed {} subscriptions, ended {}, showed {} to their users, "
        "{} documents make no sense",
        report.retried, report.renewed, report.ended, report.settled, report.failed);
  }
  if (report.parked > 0) {
    spdlog::warn("sweep: {} events of payments cannot be applied yet", report.parked);
  }
}

}  // namespace gesso::domain
