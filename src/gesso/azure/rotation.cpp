#include "gesso/azure/rotation.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "gesso/base/error.hpp"

namespace gesso::azure {
namespace {

using State = RotationFsm::State;
using std::chrono::milliseconds;

}  // namespace

Rotation::Rotation(RotationCallbacks callbacks, RotationOptions options, const Clock& clock,
                   Random& random)
    : callbacks_(std::move(callbacks)),
      options_(options),
      clock_(clock),
      random_(random),
      fsm_(options.timing) {}

Rotation::~Rotation() { stop(); }

void Rotation::start() {
  const std::lock_guard lock(mutex_);
  read_at_ = clock_.steady_now();
  status_.waiting_since = clock_.now();
  thread_ = std::thread([this] { work(); });
}

void Rotation::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    fsm_.stop();
    thread.swap(thread_);
  }
  stop_.request_stop();
  changed_.notify_all();
  if (thread.joinable()) thread.join();
}

void Rotation::work() {
  while (true) {
    std::unique_lock lock(mutex_);
    const auto now = clock_.steady_now();
    const RotationFsm::Action action = fsm_.next(now);
    switch (action.kind) {
      case RotationFsm::Action::Kind::kStop:
        return;
      case RotationFsm::Action::Kind::kWait:
        // Woken early it asks again, which costs nothing.
        changed_.wait_for(lock, stop_.get_token(), action.until - now,
                          [&] { return fsm_.next(clock_.steady_now()) != action; });
        continue;
      case RotationFsm::Action::Kind::kRead:
        lock.unlock();
        read();
        break;
      case RotationFsm::Action::Kind::kApplyLatest:
        lock.unlock();
        apply_latest();
        break;
      case RotationFsm::Action::Kind::kApplyInUse:
        lock.unlock();
        apply_in_use();
        break;
    }
    changed_.notify_all();
    log_changes();
  }
}

void Rotation::read() {
  const double jitter = random_.uniform();
  std::string failure;
  milliseconds asked{0};
  milliseconds timeout = options_.read_timeout;
  {
    const std::lock_guard lock(mutex_);
    // Requests wait: a vault that hangs must leave time to look at the version in use.
    if (fsm_.gives_up_at()) timeout = std::min(timeout, options_.renew_wait / 2);
  }
  try {
    latest_ = callbacks_.read({Deadline::after(timeout), stop_.get_token()});
  } catch (const Error& error) {
    failure = error.what();
    asked = error.retry_after().value_or(asked);
  } catch (const std::exception& error) {
    failure = error.what();
    if (failure.empty()) failure = "no reason given";
  }
  const std::lock_guard lock(mutex_);
  if (stop_.stop_requested()) return;
  const auto now = clock_.steady_now();
  ++status_.reads;
  status_.vault_error = failure;
  if (failure.empty()) {
    status_.latest_version = latest_->about.version;
    status_.last_read = clock_.now();
    read_at_ = now;
    fsm_.read(latest_->about.version, now, jitter);
  } else {
    ++status_.read_failures;
    fsm_.read_failed(now, jitter, asked);
  }
}

void Rotation::apply_latest() {
  const std::optional<std::uint64_t> pool_number = apply(*latest_);
  if (!pool_number) return;
  const bool first = !in_use_;
  in_use_ = latest_->clone();
  const std::lock_guard lock(mutex_);
  status_.in_use = in_use_->about;
  if (!first) ++status_.rotations;
  fsm_.applied(*pool_number, clock_.steady_now(), random_.uniform());
}

void Rotation::apply_in_use() {
  const std::optional<std::uint64_t> pool_number = apply(*in_use_);
  if (!pool_number) return;
  const std::lock_guard lock(mutex_);
  fsm_.applied(*pool_number, clock_.steady_now(), random_.uniform());
}

// The new pool's number, or none after telling the state machine why.
std::optional<std::uint64_t> Rotation::apply(const SecretValue& secret) {
  std::optional<std::uint64_t> pool_number;
  auto why = RotationFsm::ApplyResult::kUnavailable;
  std::string failure;
  try {
    pool_number =
        callbacks_.apply(secret, {Deadline::after(options_.apply_timeout), stop_.get_token()});
  } catch (const Error& error) {
    failure = error.what();
    if (error.kind() == ErrorKind::kAuth) why = RotationFsm::ApplyResult::kRefused;
    if (error.kind() == ErrorKind::kValidation) why = RotationFsm::ApplyResult::kUnreadable;
  } catch (const std::exception& error) {
    failure = error.what();
  }
  const double jitter = random_.uniform();
  const std::lock_guard lock(mutex_);
  if (stop_.stop_requested()) return pool_number;
  ++status_.applies;
  if (pool_number) return pool_number;
  status_.database_error = failure;
  if (why == RotationFsm::ApplyResult::kRefused) ++status_.refusals;
  fsm_.apply_failed(why, clock_.steady_now(), jitter);
  return std::nullopt;
}

// A line for each change. With mutex_ held.
std::vector<RotationNotice> Rotation::notices() {
  std::vector<RotationNotice> out;
  const State state = fsm_.state();
  if (state == State::kReady) {
    status_.waiting_since.reset();
  } else if (!status_.waiting_since) {
    status_.waiting_since = clock_.now();
  }
  const std::string in_use = status_.in_use ? status_.in_use->version : std::string();
  const std::string& latest = status_.latest_version;
  std::string key(to_string(state));
  RotationNotice notice{.warning = true, .text = {}};
  switch (state) {
    case State::kStarting:
    case State::kStopped:
      key = logged_state_;
      break;
    case State::kWaitingForVault:
      notice.text = "waiting for the key vault: " + status_.vault_error;
      break;
    case State::kWaitingForDatabase:
      notice.text = "waiting for the database: " + status_.database_error;
      break;
    case State::kNotAccepted:
      key += latest;
      notice.text =
          "version " + latest +
          " of the secret is not accepted, waiting for one that is: " + status_.database_error;
      break;
    case State::kReady:
      key += in_use;
      notice = {.warning = false, .text = "connected with version " + in_use + " of the secret"};
      break;
    case State::kNewSecretRefused:
      key += latest;
      notice.text = "version " + latest + " of the secret is not accepted (yet), version " +
                    in_use + " stays in use: " + status_.database_error;
      break;
    case State::kCredentialsRefused:
      key += in_use + latest;
      notice.text = "version " + in_use +
                    " of the secret is no longer accepted, waiting for one that is: " +
                    status_.database_error;
      break;
  }
  if (key != logged_state_) {
    logged_state_ = key;
    out.push_back(notice);
  }
  if (fsm_.pool_number() > 0 && fsm_.vault_ok() != logged_vault_ok_) {
    logged_vault_ok_ = fsm_.vault_ok();
    if (logged_vault_ok_) {
      out.push_back({.warning = false, .text = "the key vault can be read again"});
    } else {
      out.push_back({.warning = true,
                     .text = "the key vault cannot be read, version " + in_use +
                             " of the secret stays in use: " + status_.vault_error});
    }
  }
  if (std::exchange(logged_verifications_, fsm_.verifications()) != fsm_.verifications()) {
    out.push_back({.warning = true,
                   .text = "the database refused a request, but accepts version " + in_use +
                           " of the secret: a permission is missing, or connections went stale"});
  }
  return out;
}

void Rotation::log_changes() {
  std::vector<RotationNotice> lines;
  {
    const std::lock_guard lock(mutex_);
    lines = notices();
  }
  if (!callbacks_.log) return;
  for (const RotationNotice& line : lines) callbacks_.log(line);
}

void Rotation::wait_ready(const client::Call& call) const {
  std::unique_lock lock(mutex_);
  const auto done = [this] { return fsm_.pool_number() > 0 || fsm_.state() == State::kStopped; };
  // A wait for ever overflows in some implementations of wait_until.
  const Deadline most = call.deadline.earlier_of(Deadline::after(std::chrono::hours{24 * 365}));
  changed_.wait_until(lock, call.stop, most.moment(), done);
  if (fsm_.pool_number() > 0) return;
  if (fsm_.state() == State::kStopped || call.stop.stop_requested()) {
    throw Error(ErrorKind::kUnavailable, "stopped before the database was connected");
  }
  const std::string why = !fsm_.vault_ok() ? status_.vault_error : status_.database_error;
  throw Error(ErrorKind::kTimeout,
              "the database is not connected yet (" + std::string(to_string(fsm_.state())) + ")" +
                  (why.empty() ? "" : ": " + why),
              {.retryable = true});
}

bool Rotation::renew(std::uint64_t refused_pool, Deadline deadline) {
  deadline = deadline.earlier_of(Deadline::after(options_.renew_wait));
  std::unique_lock lock(mutex_);
  ++status_.renewals;
  while (true) {
    // Asked anew after each change: the pool that was refused may be one whose `apply` had not
    // returned yet, and that then cleared the refusal.
    const auto now = clock_.steady_now();
    switch (fsm_.refused(refused_pool, now)) {
      case RotationFsm::RefusalAction::kRetry:
        return true;
      case RotationFsm::RefusalAction::kNoUse:
        return false;
      case RotationFsm::RefusalAction::kWait:
        break;
    }
    if (deadline.expired()) return false;
    changed_.notify_all();
    const auto gives_up = std::chrono::ceil<milliseconds>(*fsm_.gives_up_at() - now);
    const std::uint64_t pool_number = fsm_.pool_number();
    changed_.wait_for(lock, std::min(deadline.remaining(), gives_up), [&] {
      return fsm_.pool_number() != pool_number || !fsm_.gives_up_at() ||
             fsm_.state() == State::kStopped;
    });
  }
}

RotationStatus Rotation::status() const {
  const std::lock_guard lock(mutex_);
  RotationStatus out = status_;
  out.state = fsm_.state();
  out.pool_number = fsm_.pool_number();
  // Of a version that is no longer the latest, or a trouble that is over.
  if (out.state == State::kReady) out.database_error.clear();
  if (out.in_use) {
    out.secret_age = std::max(clock_.now() - out.in_use->created, milliseconds{0});
  }
  if (!fsm_.vault_ok() && read_at_) {
    out.stale_for = std::chrono::duration_cast<milliseconds>(clock_.steady_now() - *read_at_);
  }
  return out;
}

}  // namespace gesso::azure
