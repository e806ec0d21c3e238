#include "gesso/worker/job_fsm.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace gesso::worker {

using domain::FailureKind;
using std::chrono::milliseconds;

std::string_view name_of(JobFsm::State state) {
  switch (state) {
    case JobFsm::State::kNoting:
      return "noting";
    case JobFsm::State::kAsking:
      return "asking";
    case JobFsm::State::kFinding:
      return "finding";
    case JobFsm::State::kRecording:
      return "recording";
    case JobFsm::State::kPolling:
      return "polling";
    case JobFsm::State::kStopping:
      return "stopping";
    case JobFsm::State::kSaving:
      return "saving";
    case JobFsm::State::kCompleting:
      return "completing";
    case JobFsm::State::kFailing:
      return "failing";
    case JobFsm::State::kHandingBack:
      return "handing_back";
    case JobFsm::State::kOver:
      return "over";
  }
  return "unknown";
}

std::string_view name_of(const JobFsm::Outcome& outcome) {
  // In the order of the variant.
  static constexpr std::array<std::string_view, std::variant_size_v<JobFsm::Outcome>> kNames{
      "held",      "lost",    "gone",    "away",    "taken", "imaged",    "saved",
      "not_saved", "working", "refused", "stopped", "busy",  "no_answer", "unknown"};
  return kNames.at(outcome.index());
}

JobFsm::JobFsm(Known known, JobOptions options)
    : options_(options),
      known_(std::move(known)),
      was_asked_before_(known_.was_asked),
      poll_every_(options.poll_min) {}

JobFsm::Step JobFsm::go(State state, milliseconds after) {
  if (state != state_) failures_ = 0;
  state_ = state;
  if (after.count() == 0) {
    if (const auto instead = diverted()) return *instead;
  }
  return {.state = state_, .after = after};
}

JobFsm::Step JobFsm::fail(FailureKind kind, std::string reason) {
  failure_ = kind;
  reason_ = std::move(reason);
  return go(State::kFailing);
}

std::optional<JobFsm::Step> JobFsm::diverted() {
  const auto turn = [this](State state) {
    failures_ = 0;
    state_ = state;
    return Step{.state = state};
  };
  switch (state_) {
    case State::kNoting:
    case State::kAsking:
      if (cancel_ && !known_.was_asked) {  // nobody has worked for it: paid back
        failure_ = FailureKind::kFinal;
        reason_ = "It was cancelled.";
        return turn(State::kFailing);
      }
      if (ending_ && !cancel_) return turn(State::kHandingBack);
      break;
    case State::kFinding:
      if (ending_ && !cancel_) return turn(State::kHandingBack);
      break;
    case State::kPolling:
      if (cancel_ && !was_stopped_) {
        was_stopped_ = true;
        return turn(State::kStopping);
      }
      if (ending_ && !cancel_) return turn(State::kHandingBack);
      break;
    default:
      break;
  }
  return std::nullopt;
}

JobFsm::Step JobFsm::interrupted() { return go(state_); }

JobFsm::Step JobFsm::start() {
  if (known_.id) return go(State::kPolling);
  if (known_.is_free) return go(State::kAsking);
  if (known_.was_asked && known_.remembers) {
    looks_ = options_.looks - 1;  // it is long enough ago that one look tells
    return go(State::kFinding);
  }
  return go(State::kNoting);
}

template <class GiveUp>
JobFsm::Step JobFsm::again(int most, std::optional<milliseconds> asked, GiveUp give_up) {
  if (++failures_ >= most) return give_up();
  const int doublings = std::min(failures_ - 1, 20);
  const milliseconds ours = std::min(options_.retry_max, options_.retry_min * (1 << doublings));
  const milliseconds after = std::max(ours, asked.value_or(milliseconds{0}));
  waited_ += after;
  if (ending_ || cancel_) {
    if (const auto instead = diverted()) return *instead;
  }
  return {.state = state_, .after = after};
}

JobFsm::Step JobFsm::poll_later(milliseconds asked) {
  const milliseconds after = std::max(poll_every_, asked);
  poll_every_ = std::min(options_.poll_max, poll_every_ * 3 / 2);
  waited_ += after;
  if (waited_ > options_.patience) {
    if (was_stopped_) {
      return fail(cancel_ ? FailureKind::kCancelled : FailureKind::kFinal,
                  "The provider did not finish it in time.");
    }
    was_stopped_ = true;
    return go(State::kStopping);
  }
  state_ = State::kPolling;
  failures_ = 0;
  if (const auto instead = diverted()) return *instead;
  return {.state = state_, .after = after};
}

JobFsm::Step JobFsm::resume(const Outcome& outcome) {
  if (std::holds_alternative<Lost>(outcome)) return over();
  if (std::holds_alternative<Gone>(outcome)) {
    removes_images_ = true;
    return over();
  }
  switch (state_) {
    case State::kNoting:
    case State::kRecording:
    case State::kCompleting:
    case State::kFailing:
    case State::kHandingBack:
      return after_written(outcome);
    case State::kAsking:
    case State::kFinding:
    case State::kPolling:
    case State::kStopping:
      return after_answer(outcome);
    case State::kSaving:
      return after_save(outcome);
    case State::kOver:
      break;
  }
  return over();
}

JobFsm::Step JobFsm::after_written(const Outcome& outcome) {
  if (std::holds_alternative<Away>(outcome)) {
    return again(options_.write_failures, std::nullopt, [this] { return over(); });
  }
  switch (state_) {
    case State::kNoting:
      known_.was_asked = true;
      return go(State::kAsking);
    case State::kRecording:
      if (std::holds_alternative<Taken>(outcome)) {
        known_.id.reset();
        return fail(FailureKind::kFinal, "The provider gave another one's images.");
      }
      return go(State::kPolling);
    case State::kFailing:
      // What an earlier attempt, or this one, has put there.
      removes_images_ = failure_ != FailureKind::kRetryable;
      return over();
    default:
      return over();
  }
}

JobFsm::Step JobFsm::after_answer(const Outcome& outcome) {
  const State asked = state_;
  if (const auto* working = std::get_if<providers::Working>(&outcome)) {
    if (asked == State::kAsking || asked == State::kFinding) {
      known_.id = working->id;
      poll_every_ = options_.poll_min;
      return go(State::kRecording);
    }
    return poll_later(working->ask_again);
  }
  if (std::holds_alternative<Imaged>(outcome)) return go(State::kSaving);
  if (const auto* refused = std::get_if<providers::Refused>(&outcome)) {
    return fail(FailureKind::kFinal, refused->reason);
  }
  if (const auto* stopped = std::get_if<providers::Stopped>(&outcome)) {
    const bool is_paid = cancel_ && stopped->had_begun;
    return fail(is_paid ? FailureKind::kCancelled : FailureKind::kFinal, stopped->reason);
  }
  if (const auto* busy = std::get_if<providers::Busy>(&outcome)) {
    // Nothing was begun: who cancels now is paid back, unless an earlier claim had asked.
    if (asked == State::kAsking) known_.was_asked = was_asked_before_;
    return again(options_.busy_answers, busy->retry_after, [&] {
      if (asked == State::kStopping) return poll_later(milliseconds{0});
      return fail(FailureKind::kRetryable, busy->reason);
    });
  }
  if (const auto* silent = std::get_if<providers::NoAnswer>(&outcome)) {
    if (asked == State::kAsking && cancel_) {
      return known_.remembers ? go(State::kFinding)
                              : fail(FailureKind::kCancelled, "It was cancelled.");
    }
    if (asked == State::kAsking && !known_.remembers) {
      if (ending_) return go(State::kHandingBack);
      return fail(FailureKind::kRetryable, silent->reason);
    }
    if (asked == State::kAsking) {
      looks_ = 0;
      state_ = State::kFinding;
      failures_ = 0;
    }
    return again(options_.busy_answers, std::nullopt, [&] {
      if (asked == State::kStopping) return poll_later(milliseconds{0});
      return fail(FailureKind::kRetryable, silent->reason);
    });
  }
  // Unknown: there is no such work.
  if (asked == State::kFinding) {
    if (++looks_ < options_.looks) {
      return {.state = state_, .after = options_.retry_min * 2};
    }
    if (cancel_) return fail(FailureKind::kFinal, "It was cancelled.");
    return go(State::kNoting);
  }
  return fail(FailureKind::kFinal, "The provider knows nothing of it any more.");
}

JobFsm::Step JobFsm::after_save(const Outcome& outcome) {
  if (const auto* failed = std::get_if<NotSaved>(&outcome)) {
    if (!failed->may_pass) return fail(FailureKind::kRetryable, failed->reason);
    return again(options_.save_failures, std::nullopt,
                 [&] { return fail(FailureKind::kRetryable, failed->reason); });
  }
  return go(State::kCompleting);
}

}  // namespace gesso::worker
