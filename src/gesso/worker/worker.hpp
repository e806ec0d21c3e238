// Works on generations: claims those that wait, has providers paint them, keeps the images, and
// says how it ended (job_fsm.hpp has the steps). Many at once, within limits by provider and by
// user; one thread keeps time, a few wait for providers and for the store, and the database's own
// workers run what asks the database.
//
// Looks for work when the bell rings, which is at once for what this process is asked for, and
// else again and again, more seldom the longer there is none; one look serves many claims
// (claim_list.hpp). Each claim's lease is extended by
// thirds, and by that it learns that a user wants it stopped, or that the claim is another's.
//
// Thread-safe. Owned by whoever serves; borrows all it is given. Begins at `start`; `stop` hands
// back what waits and lets the rest end, before the service ends. Nothing but time ends what a
// process leaves behind that dies: leases expire, and whoever claims next goes on from what is
// written down.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "gesso/domain/generation_work.hpp"
#include "gesso/domain/model_table.hpp"
#include "gesso/domain/work_observer.hpp"
#include "gesso/images/blob_store.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/providers/provider.hpp"
#include "gesso/repositories/repository_context.hpp"
#include "gesso/worker/claim_list.hpp"
#include "gesso/worker/fairness.hpp"
#include "gesso/worker/job_fsm.hpp"
#include "gesso/worker/task_pool.hpp"

namespace gesso::worker {

struct WorkerOptions {
  std::string name;  // of this process, its own; at most 64 characters
  std::size_t parallel = 64;
  std::size_t parallel_per_user = 16;
  ClaimListOptions claims = {};
  std::size_t claimers = 4;                                               // claims at once
  std::chrono::milliseconds provider_timeout = std::chrono::minutes(10);  // of one that blocks
  std::chrono::milliseconds call_timeout{30'000};      // of one call to any other, or the store
  std::chrono::milliseconds database_timeout{10'000};  // of one unit of work
  int thumbnail_edge = 384;                            // pixels; images no larger get none
  domain::WorkOptions work = {};
  JobOptions job = {};
  domain::WorkObserver* observer = nullptr;  // borrowed
};

// Who paints, by kind; nullptr where one is not set up: what is asked of it fails and is paid back.
using Providers =
    std::array<providers::Provider*, domain::wire_texts(domain::ProviderKind{}).size()>;

class Worker {
  struct Job;
  using JobPtr = std::shared_ptr<Job>;

  mongo::Service& database_;
  const repositories::RepositoryContext& context_;
  const domain::ModelTable& models_;
  const Providers providers_;
  images::BlobStore& store_;
  const domain::GenerationHooks hooks_;
  const WorkerOptions options_;

  mutable std::mutex mutex_;  // guards what follows, to `thread_`
  Fairness fairness_;
  std::map<models::GenerationId, JobPtr> jobs_;
  std::multimap<std::chrono::steady_clock::time_point, JobPtr> timers_;
  ClaimList list_;
  std::size_t claimers_ = 0;  // units of work that claim
  std::size_t units_ = 0;     // of work that the database has
  bool claims_ = true;
  bool ending_ = false;
  bool ended_ = false;
  std::condition_variable changed_;
  std::stop_source saving_;  // of images, when there is no more time for it
  std::thread thread_;
  TaskPool pool_;  // destroyed first

 public:
  Worker(mongo::Service& database, const repositories::RepositoryContext& context,
         const domain::ModelTable& models, const Providers& providers, images::BlobStore& store,
         const domain::GenerationHooks& hooks, WorkerOptions options);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  // From now on: who is about to end lets others begin. What is claimed goes on.
  void claim_no_more();
  // Claims nothing any more, hands back what waits, and waits for the rest; what is not done within
  // `patience` is broken off and handed back, for which there are two seconds more. Returns how
  // many claims are left to expire, which are those whom the database did not answer. Idempotent;
  // blocks.
  std::size_t stop(std::chrono::milliseconds patience);

  [[nodiscard]] domain::WorkFigures figures() const;

 private:
  void keep_time();
  void beat(std::chrono::steady_clock::time_point now);
  // Units of work are counted, so that none outlives this.
  void submit(mongo::Service::Work unit, std::function<void()> refused);
  // REQUIRES: the mutex is held.
  [[nodiscard]] bool may_claim() const { return claims_ && !ending_ && fairness_.has_room(); }
  // Whether another unit that claims would find something to do, and when. REQUIRES: the mutex is
  // held.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> next_claim(
      std::chrono::steady_clock::time_point now) const;
  // Claims, and looks, until there is nothing more to claim; some at most.
  void claim();
  void claim_some(domain::GenerationWork& work);
  // False where there is nothing to do now.
  [[nodiscard]] bool look(domain::GenerationWork& work);
  void claim_one(domain::GenerationWork& work, const repositories::ClaimCandidate& candidate);
  void take_on(models::Generation generation);
  void news(const models::GenerationId& id);

  void resume(const JobPtr& job, const JobFsm::Outcome& outcome);
  void schedule(const JobPtr& job, const JobFsm::Step& step);
  // Takes its timer away; false where it does not wait. REQUIRES: the mutex is held.
  [[nodiscard]] bool disarm(const JobPtr& job);
  void interrupt(const JobPtr& job);
  void perform(const JobPtr& job, JobFsm::State state);
  void ask_database(const JobPtr& job,
                    std::function<JobFsm::Outcome(domain::GenerationWork&)> unit);
  void ask_provider(const JobPtr& job, JobFsm::State state);
  void save(const JobPtr& job);
  void finish(const JobPtr& job);
  // Counts what came of the step that the job was at. REQUIRES: the mutex is held.
  void note(Job& job, JobFsm::State state, const JobFsm::Outcome& outcome);
  // Tells the observer, with no mutex held.
  void tell(const Job& job, JobFsm::State state, const JobFsm::Outcome& outcome) const;
};

}  // namespace gesso::worker
