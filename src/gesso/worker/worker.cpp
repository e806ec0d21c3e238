#include "gesso/worker/worker.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "gesso/base/error.hpp"
#include "gesso/domain/work_bell.hpp"
#include "gesso/worker/keep_images.hpp"

namespace gesso::worker {

using domain::Claim;
using domain::GenerationWork;
using models::Generation;
using models::GenerationId;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kThreadsForShortCalls = 8;
// Within the deadline of one.
constexpr std::size_t kClaimsOfOneUnit = 32;
// What was broken off has so long to give its claim back, within the last resort's own time.
constexpr milliseconds kTimeToHandBack{2000};

FairnessLimits limits_of(const WorkerOptions& options, const Providers& providers) {
  FairnessLimits limits{.all = options.parallel, .per_user = options.parallel_per_user};
  for (std::size_t kind = 0; kind < providers.size(); ++kind) {
    // What nobody can paint is claimed, too, to be failed and paid back.
    limits.per_provider.at(kind) =
        providers.at(kind) != nullptr ? providers.at(kind)->parallel() : options.parallel;
  }
  return limits;
}

std::size_t threads_for(const Providers& providers) {
  std::size_t threads = kThreadsForShortCalls;
  for (const providers::Provider* provider : providers) {
    if (provider != nullptr && provider->blocks()) threads += provider->parallel();
  }
  return threads;
}

JobFsm::Outcome outcome_of(const domain::EndOutcome& ended) {
  if (std::holds_alternative<domain::LeaseLost>(ended)) return JobFsm::Lost{};
  if (std::holds_alternative<domain::NoSuchGeneration>(ended)) return JobFsm::Gone{};
  return JobFsm::Held{};
}

JobFsm::Outcome held_or_lost(bool is_held) {
  if (is_held) return JobFsm::Held{};
  return JobFsm::Lost{};
}

}  // namespace

// One claimed generation. What the machine says is done by one thread at a time, which alone
// touches `generation`, `images`, `addresses` and `asked_at`; the mutex of the worker guards the
// rest.
struct Worker::Job {
  const Generation generation;
  const Claim claim;
  const domain::ModelEntry& model;
  providers::Provider* const provider;
  JobFsm fsm;
  std::stop_source stop = {};  // of a call that is made for it
  steady_clock::time_point next_beat;
  steady_clock::time_point asked_at = {};  // its provider, in this attempt
  domain::WorkEnd end = domain::WorkEnd::kLeft;
  bool backs_off = false;  // its provider's last answer was that it is busy
  bool waits = false;      // for its time
  bool beats = false;      // a heartbeat is on its way
  std::vector<images::Blob> images = {};
  domain::ImageAddresses addresses = {};
};

Worker::Worker(mongo::Service& database, const repositories::RepositoryContext& context,
               const domain::ModelTable& models, const Providers& providers,
               images::BlobStore& store, const domain::GenerationHooks& hooks,
               WorkerOptions options)
    : database_(database),
      context_(context),
      models_(models),
      providers_(providers),
      store_(store),
      hooks_(hooks),
      options_(std::move(options)),
      fairness_(models, limits_of(options_, providers)),
      list_(options_.claims),
      pool_(threads_for(providers)) {}

Worker::~Worker() {
  stop(milliseconds{0});
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return units_ == 0; });
}

void Worker::submit(mongo::Service::Work unit, std::function<void()> refused) {
  {
    const std::lock_guard lock(mutex_);
    ++units_;
  }
  const auto done = [this] {
    const std::lock_guard lock(mutex_);
    --units_;
    changed_.notify_all();  // under the lock: this may be gone right after
  };
  database_.submit(
      Deadline::after(options_.database_timeout),
      [unit = std::move(unit), done](mongo::Session& session) {
        unit(session);
        done();
      },
      [refused = std::move(refused), done](const std::exception_ptr&) {
        refused();
        done();
      });
}

void Worker::start() {
  thread_ = std::thread([this] { keep_time(); });
  if (hooks_.bell == nullptr) return;
  hooks_.bell->listen(
      [this] {
        {
          const std::lock_guard lock(mutex_);
          list_.news();
        }
        changed_.notify_all();
      },
      [this](const GenerationId& id) { news(id); });
}

domain::WorkFigures Worker::figures() const {
  const std::lock_guard lock(mutex_);
  domain::WorkFigures figures;
  for (std::size_t kind = 0; kind < providers_.size(); ++kind) {
    if (providers_.at(kind) == nullptr) continue;
    const auto of = static_cast<domain::ProviderKind>(kind);
    figures.by_provider[schema::to_string(of)] = {.at_work = fairness_.at_work(of)};
  }
  for (const auto& [id, job] : jobs_) {
    if (job->backs_off) ++figures.by_provider[schema::to_string(job->model.provider)].backing_off;
  }
  return figures;
}

// --- Time -------------------------------------------------------------------------------------

void Worker::keep_time() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    const auto now = steady_clock::now();
    std::vector<JobPtr> due;
    while (!timers_.empty() && timers_.begin()->first <= now) {
      due.push_back(std::move(timers_.begin()->second));
      due.back()->waits = false;
      timers_.erase(timers_.begin());
    }
    const auto claims_at = next_claim(now);
    const bool claims = claims_at && *claims_at <= now;
    if (claims) ++claimers_;
    lock.unlock();
    beat(now);
    if (claims) claim();
    for (const JobPtr& job : due) perform(job, job->fsm.state());
    lock.lock();
    if (ended_) continue;
    auto until = now + options_.work.lease / 6;
    if (!timers_.empty()) until = std::min(until, timers_.begin()->first);
    if (const auto next = next_claim(now)) until = std::min(until, *next);
    changed_.wait_until(lock, until);  // and whatever changes is looked at anew
  }
}

void Worker::beat(steady_clock::time_point now) {
  std::vector<JobPtr> due;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, job] : jobs_) {
      if (job->beats || now < job->next_beat) continue;
      job->beats = true;
      job->next_beat = now + options_.work.lease / 3;
      due.push_back(job);
    }
  }
  for (const JobPtr& job : due) {
    const auto rest = [this, job] {
      const std::lock_guard lock(mutex_);
      job->beats = false;
    };
    submit(
        [this, job, rest](mongo::Session& session) {
          bool stops = false;
          bool is_lost = false;
          try {
            const auto outcome =
                GenerationWork(session, context_, options_.work, hooks_).heartbeat(job->claim);
            const auto* held = std::get_if<domain::StillHeld>(&outcome);
            is_lost = held == nullptr;
            stops = held != nullptr && held->cancel_requested;
          } catch (const std::exception& error) {
            spdlog::warn("worker: heartbeat of {}: {}", job->generation.id.str(), error.what());
          }
          rest();
          if (stops || is_lost) {
            {
              const std::lock_guard lock(mutex_);
              if (stops) job->fsm.cancel();
              // What blocks is broken off; of others the machine asks the provider to stop.
              const bool blocks = job->provider != nullptr && job->provider->blocks();
              if (is_lost || (blocks && job->fsm.state() == JobFsm::State::kAsking)) {
                job->stop.request_stop();
              }
            }
            interrupt(job);
          }
        },
        rest);
  }
}

// --- Claims -----------------------------------------------------------------------------------

std::optional<steady_clock::time_point> Worker::next_claim(steady_clock::time_point now) const {
  // Beyond the first one only where there is enough on the list.
  const std::size_t useful = std::clamp<std::size_t>(list_.size(), 1, options_.claimers);
  if (!may_claim() || claimers_ >= useful) return std::nullopt;
  return list_.next(now);
}

void Worker::claim() {
  const auto done = [this] {
    {
      const std::lock_guard lock(mutex_);
      --claimers_;
    }
    changed_.notify_all();
  };
  submit(
      [this, done](mongo::Session& session) {
        GenerationWork work(session, context_, options_.work, hooks_);
        claim_some(work);
        done();
      },
      [this, done] {
        {
          const std::lock_guard lock(mutex_);
          list_.claim_failed(steady_clock::now());
        }
        done();
      });
}

void Worker::claim_some(GenerationWork& work) {
  try {
    for (std::size_t i = 0; i < kClaimsOfOneUnit; ++i) {
      std::optional<repositories::ClaimCandidate> candidate;
      {
        const std::lock_guard lock(mutex_);
        if (!may_claim()) return;
        candidate = list_.take(fairness_, steady_clock::now());
      }
      if (candidate) {
        claim_one(work, *candidate);
      } else if (!look(work)) {
        return;
      }
    }
  } catch (const std::exception& error) {
    spdlog::warn("worker: claim: {}", error.what());
    const std::lock_guard lock(mutex_);
    list_.claim_failed(steady_clock::now());
  }
}

bool Worker::look(GenerationWork& work) {
  std::optional<std::size_t> most;
  {
    const std::lock_guard lock(mutex_);
    most = list_.begin_look(steady_clock::now());
  }
  if (!most) return false;
  try {
    auto found = work.find_claimable(static_cast<std::int64_t>(*most));
    const std::lock_guard lock(mutex_);
    list_.looked(std::move(found), fairness_, steady_clock::now());
  } catch (...) {
    const std::lock_guard lock(mutex_);
    list_.look_failed(steady_clock::now());
    throw;
  }
  changed_.notify_all();  // others may claim beside this
  return true;
}

void Worker::claim_one(GenerationWork& work, const repositories::ClaimCandidate& candidate) {
  const auto give_back = [&] {
    const std::lock_guard lock(mutex_);
    fairness_.give_back(candidate.user_id, candidate.model_type);
    list_.room_was_made();
  };
  std::optional<Generation> claimed;
  try {
    claimed = work.claim(options_.name, candidate);
  } catch (...) {
    give_back();
    throw;
  }
  if (claimed) {
    take_on(*std::move(claimed));
    return;
  }
  give_back();
  const std::lock_guard lock(mutex_);
  list_.was_lost(context_.random.uniform());
}

void Worker::take_on(Generation generation) {
  const domain::ModelEntry& model = models_.get(generation.model_type);
  providers::Provider* const provider = providers_.at(static_cast<std::size_t>(model.provider));
  JobFsm::Known known{.was_asked = generation.provider_asked_at.has_value(),
                      .id = generation.replicate_prediction_id};
  if (provider != nullptr) {
    known.is_free = provider->is_free();
    known.remembers = provider->remembers();
  }
  const Claim claim{.generation_id = generation.id,
                    .worker = options_.name,
                    .attempt = generation.attempts.value()};
  const auto job =
      std::make_shared<Job>(Job{.generation = std::move(generation),
                                .claim = claim,
                                .model = model,
                                .provider = provider,
                                .fsm = JobFsm(std::move(known), options_.job),
                                .next_beat = steady_clock::now() + options_.work.lease / 3});
  JobFsm::Step step{};
  {
    const std::lock_guard lock(mutex_);
    jobs_[job->generation.id] = job;
    if (ending_) job->fsm.end();
    step = job->fsm.start();
  }
  changed_.notify_all();
  if (options_.observer != nullptr) options_.observer->claimed(model.provider, claim.attempt);
  schedule(job, step);
}

// --- Steps ------------------------------------------------------------------------------------

void Worker::note(Job& job, JobFsm::State state, const JobFsm::Outcome& outcome) {
  using State = JobFsm::State;
  using domain::WorkEnd;
  const bool is_held = std::holds_alternative<JobFsm::Held>(outcome);
  if (std::holds_alternative<JobFsm::Lost>(outcome)) job.end = WorkEnd::kLost;
  if (std::holds_alternative<JobFsm::Gone>(outcome)) job.end = WorkEnd::kGone;
  if (is_held && state == State::kCompleting) job.end = WorkEnd::kCompleted;
  if (is_held && state == State::kFailing) job.end = WorkEnd::kFailed;
  if (is_held && state == State::kHandingBack) job.end = WorkEnd::kHandedBack;
  job.backs_off = std::holds_alternative<providers::Busy>(outcome);
}

void Worker::tell(const Job& job, JobFsm::State state, const JobFsm::Outcome& outcome) const {
  if (options_.observer == nullptr) return;
  options_.observer->stepped(job.model.provider, name_of(state), name_of(outcome));
  if (std::holds_alternative<JobFsm::Imaged>(outcome) &&
      job.asked_at != steady_clock::time_point{}) {
    options_.observer->painted(job.model.provider, std::chrono::duration_cast<milliseconds>(
                                                       steady_clock::now() - job.asked_at));
  }
}

void Worker::resume(const JobPtr& job, const JobFsm::Outcome& outcome) {
  JobFsm::State state{};
  JobFsm::Step step{};
  {
    const std::lock_guard lock(mutex_);
    state = job->fsm.state();
    note(*job, state, outcome);
    step = job->fsm.resume(outcome);
  }
  tell(*job, state, outcome);
  schedule(job, step);
}

void Worker::schedule(const JobPtr& job, const JobFsm::Step& step) {
  if (step.after.count() == 0) {
    perform(job, step.state);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    job->waits = true;
    timers_.emplace(steady_clock::now() + step.after, job);
  }
  changed_.notify_all();
}

bool Worker::disarm(const JobPtr& job) {
  if (!job->waits) return false;
  const auto found =
      std::ranges::find(timers_, job, [](const auto& timer) { return timer.second; });
  if (found != timers_.end()) timers_.erase(found);
  job->waits = false;
  return true;
}

void Worker::interrupt(const JobPtr& job) {
  JobFsm::Step step{};
  {
    const std::lock_guard lock(mutex_);
    if (!disarm(job)) return;  // it is busy, and will look by itself
    step = job->fsm.interrupted();
  }
  schedule(job, step);
}

void Worker::news(const GenerationId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  const JobPtr& job = found->second;
  if (!job->fsm.waits_for_provider() || !disarm(job)) return;
  job->waits = true;
  timers_.emplace(steady_clock::now(), job);  // this thread must not be kept
  changed_.notify_all();
}

void Worker::ask_database(const JobPtr& job, std::function<JobFsm::Outcome(GenerationWork&)> unit) {
  submit(
      [this, job, unit = std::move(unit)](mongo::Session& session) {
        JobFsm::Outcome outcome = JobFsm::Away{};
        try {
          GenerationWork work(session, context_, options_.work, hooks_);
          outcome = unit(work);
        } catch (const std::exception& error) {
          spdlog::warn("worker: {} of {}: {}", name_of(job->fsm.state()), job->generation.id.str(),
                       error.what());
        }
        resume(job, outcome);
      },
      [this, job] {
        // Perhaps on the thread that asked: the machine waits before it asks again.
        resume(job, JobFsm::Away{});
      });
}

void Worker::ask_provider(const JobPtr& job, JobFsm::State state) {
  pool_.run([this, job, state] {
    if (job->provider == nullptr) {
      resume(job, providers::Refused{"No provider is set up for this model."});
      return;
    }
    const bool is_long = state == JobFsm::State::kAsking && job->provider->blocks();
    const client::Call call{
        .deadline = Deadline::after(is_long ? options_.provider_timeout : options_.call_timeout),
        .stop = job->stop.get_token()};
    const providers::Job asked{.generation = job->generation, .model = job->model};
    providers::Answer answer = providers::Unknown{};
    try {
      switch (state) {
        case JobFsm::State::kAsking:
          answer = job->provider->begin(asked, call);
          break;
        case JobFsm::State::kFinding:
          answer = job->provider->find(asked, call);
          break;
        case JobFsm::State::kPolling:
          answer = job->provider->poll(*job->fsm.id(), call);
          break;
        default:
          answer = job->provider->cancel(*job->fsm.id(), call);
          break;
      }
    } catch (const std::exception& error) {
      spdlog::error("worker: {} of {}: {}", name_of(state), job->generation.id.str(), error.what());
      answer = providers::NoAnswer{"The provider's answer could not be read."};
    }
    const JobFsm::Outcome outcome = std::visit(
        [&]<class T>(T&& value) -> JobFsm::Outcome {
          if constexpr (std::is_same_v<std::decay_t<T>, providers::Painted>) {
            job->images = std::move(value.images);
            return JobFsm::Imaged{};
          } else if constexpr (std::is_same_v<std::decay_t<T>, providers::Delivered>) {
            job->addresses.result_urls = std::move(value.urls);
            return JobFsm::Imaged{};
          } else {
            return std::forward<T>(value);
          }
        },
        std::move(answer));
    resume(job, outcome);
  });
}

void Worker::save(const JobPtr& job) {
  pool_.run([this, job] {
    // Not the job's own token: what was cancelled may have to be kept all the same.
    const std::size_t images = std::max(job->images.size(), job->addresses.result_urls.size());
    const client::Call call{
        .deadline = Deadline::after(options_.call_timeout * std::max<std::size_t>(1, images)),
        .stop = saving_.get_token()};
    KeptImages kept;
    JobFsm::Outcome outcome = JobFsm::Saved{};
    try {
      keep_images(store_, job->generation.id, job->images, options_.thumbnail_edge, job->addresses,
                  kept, call);
      job->addresses.provider = models::ProviderName(schema::to_string(job->model.provider));
      job->images.clear();
    } catch (const Error& error) {
      spdlog::warn("worker: images of {}: {}", job->generation.id.str(), error.what());
      outcome = JobFsm::NotSaved{.may_pass = error.retryable(),
                                 .reason = "The images could not be kept."};
    } catch (const std::exception& error) {
      spdlog::error("worker: images of {}: {}", job->generation.id.str(), error.what());
      outcome = JobFsm::NotSaved{.reason = "The images could not be kept."};
    }
    if (options_.observer != nullptr && kept.images > 0) {
      options_.observer->stored(kept.images, kept.bytes);
    }
    resume(job, outcome);
  });
}

void Worker::perform(const JobPtr& job, JobFsm::State state) {
  using State = JobFsm::State;
  switch (state) {
    case State::kNoting:
      ask_database(job, [job](GenerationWork& work) {
        return held_or_lost(
            work.note_asking(job->claim, schema::to_string(job->model.provider)).has_value());
      });
      break;
    case State::kRecording:
      ask_database(job, [job](GenerationWork& work) -> JobFsm::Outcome {
        try {
          return held_or_lost(work.note_prediction(job->claim, job->fsm.id()->str()).has_value());
        } catch (const Error& error) {
          if (error.kind() != ErrorKind::kDuplicate) throw;
          return JobFsm::Taken{};
        }
      });
      break;
    case State::kCompleting:
      ask_database(job, [job](GenerationWork& work) {
        return outcome_of(work.complete(job->claim, job->addresses));
      });
      break;
    case State::kFailing:
      ask_database(job, [job](GenerationWork& work) {
        return outcome_of(work.fail(job->claim, job->fsm.failure(), job->fsm.reason()));
      });
      break;
    case State::kHandingBack:
      ask_database(
          job, [job](GenerationWork& work) { return held_or_lost(work.hand_back(job->claim)); });
      break;
    case State::kAsking:
      job->asked_at = steady_clock::now();
      ask_provider(job, state);
      break;
    case State::kFinding:
    case State::kPolling:
    case State::kStopping:
      ask_provider(job, state);
      break;
    case State::kSaving:
      save(job);
      break;
    case State::kOver:
      finish(job);
      break;
  }
}

void Worker::finish(const JobPtr& job) {
  if (job->fsm.removes_images()) {
    pool_.run([this, id = job->generation.id] { domain::remove_images(store_, id); });
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(job->generation.id);
    if (found != jobs_.end() && found->second == job) jobs_.erase(found);
    fairness_.give_back(job->generation.user_id, job->generation.model_type);
    list_.room_was_made();
  }
  changed_.notify_all();
  if (options_.observer != nullptr) {
    options_.observer->ended(job->model.provider, job->end,
                             context_.clock.now() - job->generation.created_at);
  }
}

// --- The end ----------------------------------------------------------------------------------

void Worker::claim_no_more() {
  const std::lock_guard lock(mutex_);
  claims_ = false;
}

std::size_t Worker::stop(milliseconds patience) {
  if (hooks_.bell != nullptr && thread_.joinable()) hooks_.bell->listen({}, {});
  std::vector<JobPtr> jobs;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return 0;
    ending_ = true;
    for (const auto& [id, job] : jobs_) {
      job->fsm.end();
      jobs.push_back(job);
    }
  }
  for (const JobPtr& job : jobs) interrupt(job);
  const auto is_done = [this] { return jobs_.empty() && claimers_ == 0; };
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, is_done);
  for (const auto& [id, job] : jobs_) job->stop.request_stop();
  saving_.request_stop();
  changed_.wait_for(lock, std::min(options_.database_timeout, kTimeToHandBack), is_done);
  const std::size_t left = jobs_.size();
  ended_ = true;
  lock.unlock();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  return left;
}

}  // namespace gesso::worker
