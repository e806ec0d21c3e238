// Random histories of one generation against what must hold of it, whatever dies, is lost, comes
// late, twice, in another order or never: it ends once; it is paid back where it came to nothing
// and not where it has images; one prediction is made for it and no other; what its provider was
// working on when it was cancelled is stopped.
//
// The machine is the real one. The database is a record that changes as domain/generation_work.hpp
// and domain/predictions.hpp say, and the provider keeps what it was asked for and can list it. At
// each step the worker may die before it, or after its effect; answers of both are lost; a user
// cancels; webhooks come. In the end there is peace, and what remains must end well.
//
//   GESSO_WORKFLOW_HISTORIES=1000000 test_worker --gtest_filter=Histories.*
//   GESSO_WORKFLOW_SEED=42 ...                                            the one that failed
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gesso/worker/job_fsm.hpp"

namespace gesso::worker {
namespace {

using State = JobFsm::State;
using Outcome = JobFsm::Outcome;
using domain::FailureKind;

constexpr int kMaxAttempts = 3;

enum class Status { kPending, kProcessing, kCompleted, kFailed, kCancelled };

// The generation as it is stored.
struct Record {
  Status status = Status::kPending;
  std::optional<int> prediction = {};
  bool was_asked = false;
  bool cancel = false;
  bool is_paid_back = false;
  int attempts = 0;
  int ends = 0;

  [[nodiscard]] bool has_ended() const {
    return status != Status::kPending && status != Status::kProcessing;
  }
  void end(Status as, bool pay_back) {
    status = as;
    is_paid_back = pay_back;
    ++ends;
  }
  // As domain::giving_up.
  void give_up() { end(cancel ? Status::kCancelled : Status::kFailed, true); }
};

enum class Work { kStarting, kProcessing, kSucceeded, kFailed, kCanceled, kAborted };
struct Prediction {
  Work work = Work::kStarting;
  bool has_begun = false;

  [[nodiscard]] bool has_ended() const {
    return work != Work::kStarting && work != Work::kProcessing;
  }
};

class World {
  std::mt19937_64 random_;
  const bool remembers_;
  bool peace_ = false;
  Record record_;
  std::vector<Prediction> predictions_;
  std::vector<std::pair<int, Prediction>> webhooks_;  // on their way
  std::optional<JobFsm> worker_;
  JobFsm::Step step_{State::kOver};
  int creates_ = 0;
  int forced_ = 0;  // creates whose answer nobody got, at a provider that remembers nothing
  int images_ = 0;
  std::string told_;

  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  bool trouble(int percent) { return !peace_ && chance(percent); }
  void tell(const std::string& what) { told_ += what + "\n"; }

  [[nodiscard]] static models::ForeignId id_of(int prediction) {
    return models::ForeignId("pred_" + std::to_string(prediction));
  }

  // --- What the provider does by itself ---------------------------------------------------------

  void work_on() {
    for (int i = 0; i < static_cast<int>(predictions_.size()); ++i) {
      Prediction& one = predictions_[static_cast<std::size_t>(i)];
      if (one.has_ended() || !chance(50)) continue;
      if (one.work == Work::kStarting) {
        if (trouble(10)) {
          one.work = Work::kAborted;
        } else {
          one.work = Work::kProcessing;
          one.has_begun = true;
        }
      } else {
        one.work = trouble(20) ? Work::kFailed : Work::kSucceeded;
      }
      if (!trouble(30)) webhooks_.emplace_back(i, one);  // or it never comes
    }
  }

  // Some of those on their way arrive, in any order, and perhaps again later.
  void deliver() {
    while (!webhooks_.empty() && chance(40)) {
      const std::size_t which = random_() % webhooks_.size();
      const auto [id, state] = webhooks_[which];
      if (!trouble(30)) webhooks_.erase(webhooks_.begin() + static_cast<std::ptrdiff_t>(which));
      apply(id, state);
    }
  }

  // As domain::Predictions for what a worker of ours asked for.
  void apply(int id, const Prediction& told) {
    tell("webhook of " + std::to_string(id));
    if (record_.prediction && *record_.prediction != id) return;
    if (record_.has_ended()) return;
    record_.prediction = id;
    if (told.work == Work::kFailed || told.work == Work::kAborted) {
      record_.give_up();
    } else if (told.work == Work::kCanceled) {
      if (record_.cancel && told.has_begun) {
        record_.end(Status::kCancelled, false);
      } else {
        record_.give_up();
      }
    }
  }

  // --- What the worker is answered ---------------------------------------------------------------

  Outcome ask_provider() {
    if (trouble(10)) return providers::Busy{.reason = "throttled"};
    switch (step_.state) {
      case State::kAsking: {
        if (trouble(8)) return providers::NoAnswer{"it was not heard"};
        ++creates_;
        if (!remembers_) {
          if (trouble(15)) {
            ++forced_;
            return providers::NoAnswer{"silence"};
          }
          if (trouble(10)) return providers::Refused{"moderation"};
          return JobFsm::Imaged{};
        }
        predictions_.emplace_back();
        if (trouble(15)) return providers::NoAnswer{"silence"};
        return providers::Working{.id = id_of(creates_ - 1)};
      }
      case State::kFinding:
        if (trouble(10)) return providers::NoAnswer{"silence"};
        if (predictions_.empty()) return providers::Unknown{};
        return providers::Working{.id = id_of(0)};
      case State::kStopping:
        if (auto& one = predictions_.at(number()); !one.has_ended()) {
          one.work = Work::kCanceled;
          webhooks_.emplace_back(static_cast<int>(number()), one);
        }
        if (trouble(20)) return providers::NoAnswer{"silence"};
        break;
      default:
        if (trouble(10)) return providers::NoAnswer{"silence"};
        break;
    }
    const Prediction& one = predictions_.at(number());
    switch (one.work) {
      case Work::kSucceeded:
        return JobFsm::Imaged{};
      case Work::kFailed:
        return providers::Refused{"NSFW"};
      case Work::kCanceled:
        return providers::Stopped{.had_begun = one.has_begun, .reason = "cancelled"};
      case Work::kAborted:
        return providers::Stopped{.reason = "aborted"};
      default:
        return providers::Working{.id = *worker_->id()};
    }
  }
  [[nodiscard]] std::size_t number() const {
    return static_cast<std::size_t>(std::stoi(worker_->id()->str().substr(5)));
  }

  // Each is one conditional update on the claim, which is this worker's for as long as it is
  // processing: the one before has died.
  Outcome ask_database() {
    if (trouble(8)) return JobFsm::Away{};
    if (record_.status != Status::kProcessing) return JobFsm::Lost{};
    switch (step_.state) {
      case State::kNoting:
        record_.was_asked = true;
        break;
      case State::kRecording:
        record_.prediction = static_cast<int>(number());
        break;
      case State::kCompleting:
        EXPECT_GT(images_, 0);
        record_.end(Status::kCompleted, false);
        break;
      case State::kFailing:
        if (worker_->failure() == FailureKind::kCancelled && record_.cancel) {
          record_.end(Status::kCancelled, false);
        } else if (worker_->failure() == FailureKind::kRetryable &&
                   record_.attempts < kMaxAttempts && !record_.cancel) {
          record_.status = Status::kPending;
        } else {
          record_.give_up();
        }
        break;
      case State::kHandingBack:
        if (record_.cancel) {
          record_.give_up();
        } else {
          record_.status = Status::kPending;
          --record_.attempts;
        }
        break;
      default:
        ADD_FAILURE() << "no step of the database's";
    }
    if (trouble(8)) return JobFsm::Away{};  // it was done, and the answer lost
    return JobFsm::Held{};
  }

  Outcome perform() {
    switch (step_.state) {
      case State::kAsking:
      case State::kFinding:
      case State::kPolling:
      case State::kStopping:
        return ask_provider();
      case State::kSaving:
        if (trouble(10)) return JobFsm::NotSaved{.may_pass = chance(50), .reason = "full"};
        ++images_;
        return JobFsm::Saved{};
      default:
        return ask_database();
    }
  }

  // --- What happens -----------------------------------------------------------------------------

  void claim() {
    ++record_.attempts;
    record_.status = Status::kProcessing;
    if (record_.attempts > kMaxAttempts || record_.cancel) {
      record_.give_up();
      return;
    }
    JobFsm::Known known{.remembers = remembers_, .was_asked = record_.was_asked};
    if (record_.prediction) known.id = id_of(*record_.prediction);
    worker_.emplace(known);
    if (trouble(5)) worker_->end();
    step_ = worker_->start();
    tell("claimed: " + std::string(name_of(step_.state)));
  }

  void advance() {
    if (!worker_) {
      // The lease of one that died expires.
      if (!record_.has_ended()) claim();
      return;
    }
    if (trouble(4)) {
      tell("dies before " + std::string(name_of(step_.state)));
      worker_.reset();
      return;
    }
    if (record_.cancel) worker_->cancel();  // a heartbeat tells
    if (step_.after.count() > 0 && record_.cancel) step_ = worker_->interrupted();
    if (step_.state == State::kOver) {
      worker_.reset();
      return;
    }
    const Outcome outcome = perform();
    if (trouble(4)) {
      tell("dies after " + std::string(name_of(step_.state)));
      if (!remembers_ && step_.state == State::kAsking) ++forced_;
      worker_.reset();
      return;
    }
    if (trouble(2)) worker_->end();
    const State before = step_.state;
    step_ = worker_->resume(outcome);
    tell(std::string(name_of(before)) + " -> " + std::string(name_of(step_.state)));
    if (step_.state == State::kOver) worker_.reset();
  }

 public:
  World(std::uint64_t seed, bool remembers) : random_(seed), remembers_(remembers) {}

  void live() {
    const bool will_cancel = chance(25);
    for (int i = 0; i < 60 && !(record_.has_ended() && !worker_); ++i) {
      work_on();
      deliver();
      if (will_cancel && chance(10) && !record_.has_ended()) {
        tell("cancel");
        if (record_.status == Status::kPending) {
          record_.cancel = true;
          record_.end(Status::kCancelled, true);
        } else {
          record_.cancel = true;
        }
      }
      advance();
    }
    peace_ = true;
    for (int i = 0; i < 200 && !(record_.has_ended() && !worker_); ++i) {
      work_on();
      deliver();
      advance();
    }
    while (!webhooks_.empty()) deliver();
  }

  void check() const {
    ASSERT_TRUE(record_.has_ended()) << "it never ends\n" << told_;
    EXPECT_EQ(record_.ends, 1) << told_;
    EXPECT_FALSE(worker_.has_value()) << told_;
    if (record_.status == Status::kCompleted) {
      EXPECT_FALSE(record_.is_paid_back) << told_;
      EXPECT_GT(images_, 0) << told_;
    }
    if (record_.status == Status::kFailed) {
      EXPECT_TRUE(record_.is_paid_back) << told_;
    }
    if (remembers_) {
      EXPECT_LE(predictions_.size(), 1U) << "more than one was made\n" << told_;
    } else {
      EXPECT_LE(creates_, 1 + forced_ + kMaxAttempts) << told_;
    }
  }
};

void run_histories(bool remembers) {
  const char* const one = std::getenv("GESSO_WORKFLOW_SEED");
  const char* const many = std::getenv("GESSO_WORKFLOW_HISTORIES");
  const std::uint64_t first = one != nullptr ? std::stoull(one) : 1;
  const std::uint64_t count = one != nullptr ? 1 : (many != nullptr ? std::stoull(many) : 20'000);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    World world(seed, remembers);
    world.live();
    world.check();
    if (::testing::Test::HasFailure()) {
      FAIL() << "GESSO_WORKFLOW_SEED=" << seed
             << (remembers ? "" : " (one that remembers nothing)");
    }
  }
}

TEST(Histories, OfAProviderThatRemembersAreRight) { run_histories(true); }
TEST(Histories, OfAProviderThatRemembersNothingAreRight) { run_histories(false); }

}  // namespace
}  // namespace gesso::worker
