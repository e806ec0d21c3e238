#include "gesso/azure/rotation_fsm.hpp"

#include <algorithm>

namespace gesso::azure {
namespace {

using std::chrono::milliseconds;

milliseconds doubled(milliseconds least, int times, milliseconds most) {
  milliseconds wait = least;
  for (int i = 0; i < times && wait < most; ++i) wait *= 2;
  return std::min(wait, most);
}

milliseconds jittered(milliseconds wait, double jitter) {
  return std::chrono::duration_cast<milliseconds>(wait * (0.8 + 0.5 * jitter));
}

}  // namespace

bool RotationFsm::candidate() const {
  return !latest_.empty() && latest_ != in_use_ &&
         !(latest_tried_ && latest_result_ == ApplyResult::kUnreadable);
}

milliseconds RotationFsm::verified_for() const {
  return doubled(options_.verified_for, verified_ - 1, options_.retry_max);
}

std::optional<RotationFsm::Moment> RotationFsm::gives_up_at() const {
  if (!refused_since_) return std::nullopt;
  return *refused_since_ + options_.give_up_after;
}

RotationFsm::Action RotationFsm::next(Moment now) {
  if (stopped_) return {Action::Kind::kStop};
  if (step_ == Step::kIdle) {
    if (now >= poll_at_) {
      step_ = Step::kRead;
    } else if (retry_at_ && now >= *retry_at_) {
      begin_retry(now);
    }
  }
  switch (step_) {
    case Step::kRead:
      return {Action::Kind::kRead};
    case Step::kApplyLatest:
      return {Action::Kind::kApplyLatest};
    case Step::kApplyInUse:
      return {Action::Kind::kApplyInUse};
    case Step::kIdle:
      break;
  }
  return {Action::Kind::kWait, retry_at_ ? std::min(*retry_at_, poll_at_) : poll_at_};
}

void RotationFsm::begin_retry(Moment now) {
  retry_at_.reset();
  // In hand already: the version whose key was not there yet, when the old key has just gone.
  const bool first_of_refusal = refused_since_ && failures_ == 0;
  // The pool in use is fine, or there was no server to ask: the vault is only polled.
  const bool vault_is_not_at_fault =
      !refused_since_ && (pool_number_ > 0 || latest_result_ == ApplyResult::kUnavailable);
  if (candidate() && (first_of_refusal || vault_is_not_at_fault)) {
    step_ = Step::kApplyLatest;
  } else if (now >= rest_until_) {
    step_ = Step::kRead;
  } else if (refused_since_) {
    step_ = candidate() ? Step::kApplyLatest : Step::kApplyInUse;
  } else {
    retry_at_ = rest_until_;
  }
}

void RotationFsm::read(std::string_view version, Moment now, double jitter) {
  vault_ok_ = true;
  poll_at_ = now + jittered(options_.poll_interval, jitter);
  const bool is_new = version != latest_;
  if (is_new) {
    latest_ = version;
    latest_tried_ = false;
    failures_ = 0;
  }
  after_read(is_new, now, jitter);
}

void RotationFsm::read_failed(Moment now, double jitter, milliseconds asked) {
  vault_ok_ = false;
  rest_until_ = now + std::min(asked, options_.retry_max);
  poll_at_ = std::max(now + jittered(options_.poll_interval, jitter), rest_until_);
  after_read(false, now, jitter);
}

// What follows a read, whether it was a poll's or one of trouble.
void RotationFsm::after_read(bool is_new, Moment now, double jitter) {
  step_ = Step::kIdle;
  if (refused_since_) {
    step_ = candidate() ? Step::kApplyLatest : Step::kApplyInUse;
  } else if (candidate()) {
    // A version that the database refused a moment ago has a cool-down of its own.
    if (is_new || !retry_at_) step_ = Step::kApplyLatest;
  } else if (pool_number_ == 0) {
    cool_down(now, jitter);
  } else {
    retry_at_.reset();
  }
}

void RotationFsm::applied(std::uint64_t pool_number, Moment now, double jitter) {
  const bool was_in_use = step_ == Step::kApplyInUse;
  if (was_in_use) {
    // Far apart they are different troubles.
    const bool again = verified_at_ && now - *verified_at_ < 2 * options_.retry_max;
    verified_ = again ? verified_ + 1 : 1;
    verified_at_ = now;
    ++verifications_;
  } else {
    in_use_ = latest_;
    verified_at_.reset();
    verified_ = 0;
  }
  pool_number_ = pool_number;
  step_ = Step::kIdle;
  refused_since_.reset();
  refusal_seen_ = false;
  failures_ = 0;
  retry_at_.reset();
  if (candidate()) cool_down(now, jitter);  // it was refused, and is to be tried again
}

void RotationFsm::apply_failed(ApplyResult why, Moment now, double jitter) {
  const bool was_latest = step_ == Step::kApplyLatest;
  if (was_latest) {
    latest_tried_ = true;
    latest_result_ = why;
  }
  if (was_latest && refused_since_ && why != ApplyResult::kUnavailable) {
    step_ = Step::kApplyInUse;  // not the new one; is the one in use any good?
    return;
  }
  if (step_ == Step::kApplyInUse && why == ApplyResult::kRefused) refusal_seen_ = true;
  step_ = Step::kIdle;
  // An unreadable version beside a pool that works is not tried again, so there is no cool-down.
  if (pool_number_ == 0 || refused_since_ || candidate()) cool_down(now, jitter);
}

void RotationFsm::cool_down(Moment now, double jitter) {
  milliseconds wait = doubled(options_.retry_min, failures_, options_.retry_max);
  const std::optional<Moment> gives_up = gives_up_at();
  if (gives_up && now < *gives_up) wait = std::min(wait, options_.retry_waited_max);
  ++failures_;
  retry_at_ = now + jittered(wait, jitter);
}

RotationFsm::RefusalAction RotationFsm::refused(std::uint64_t pool_number, Moment now) {
  if (stopped_) return RefusalAction::kNoUse;
  if (pool_number < pool_number_) return RefusalAction::kRetry;
  if (refused_since_) {
    return now < *gives_up_at() ? RefusalAction::kWait : RefusalAction::kNoUse;
  }
  if (pool_number_ == 0) return RefusalAction::kNoUse;
  if (verified_at_ && now - *verified_at_ < verified_for()) return RefusalAction::kNoUse;
  refused_since_ = now;
  failures_ = 0;
  retry_at_ = now;
  return RefusalAction::kWait;
}

RotationFsm::State RotationFsm::state() const {
  if (stopped_) return State::kStopped;
  if (pool_number_ > 0) {
    if (refusal_seen_) return State::kCredentialsRefused;
    return latest_tried_ && latest_ != in_use_ ? State::kNewSecretRefused : State::kReady;
  }
  if (!latest_tried_) return vault_ok_ ? State::kStarting : State::kWaitingForVault;
  return latest_result_ == ApplyResult::kUnavailable ? State::kWaitingForDatabase
                                                     : State::kNotAccepted;
}

std::string_view to_string(RotationFsm::State state) {
  switch (state) {
    case RotationFsm::State::kStarting:
      return "starting";
    case RotationFsm::State::kWaitingForVault:
      return "waiting for the vault";
    case RotationFsm::State::kWaitingForDatabase:
      return "waiting for the database";
    case RotationFsm::State::kNotAccepted:
      return "secret not accepted";
    case RotationFsm::State::kReady:
      return "ready";
    case RotationFsm::State::kNewSecretRefused:
      return "new secret refused";
    case RotationFsm::State::kCredentialsRefused:
      return "credentials refused";
    case RotationFsm::State::kStopped:
      return "stopped";
  }
  return "stopped";
}

}  // namespace gesso::azure
