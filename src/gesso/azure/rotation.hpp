// Keeps the database connected with the secret that the vault holds now: RotationFsm with a thread.
//
//   Rotation rotation({.read = [&](const Call& call) { return vault.get(name, "", call); },
//                      .apply = [&](const SecretValue& secret, const Call& call) { ... },
//                      .log = [](const RotationNotice& notice) { ... }},
//                     {}, clock, random);
//   rotation.start();
//   rotation.wait_ready({.deadline = ..., .stop = ...});
//
// Thread-safe. Owned by whoever owns the database; borrows clock and randomness. What the callbacks
// use must outlive it, or `stop` be called before. The callbacks run on its one thread, never with
// a lock held; they must not call `stop`.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "gesso/azure/call.hpp"
#include "gesso/azure/rotation_fsm.hpp"
#include "gesso/azure/secret_provider.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/deadline.hpp"
#include "gesso/base/random.hpp"

namespace gesso::azure {

struct RotationOptions {
  RotationFsm::Options timing = {};
  std::chrono::milliseconds renew_wait{10'000};  // the longest that a refused request waits
  std::chrono::milliseconds read_timeout{30'000};
  std::chrono::milliseconds apply_timeout{30'000};
};

// A change that is worth a line in the log; one for each change, not for each attempt.
struct RotationNotice {
  bool warning = false;
  std::string text;  // holds no secret
};

struct RotationCallbacks {
  // The latest version of the secret. Throws Error.
  std::function<SecretValue(const Call&)> read;
  // Connects with it, checks that with a real read, puts it in the place of what stood before and
  // returns its epoch, which grows. Throws Error, and nothing has changed: kAuth (credentials
  // refused), kValidation (the text cannot be read), kUnavailable or kTimeout (no server).
  std::function<std::uint64_t(const SecretValue&, const Call&)> apply;
  std::function<void(const RotationNotice&)> log = {};
};

struct RotationStatus {
  RotationFsm::State state = RotationFsm::State::kStarting;
  std::uint64_t epoch = 0;                   // 0: never connected
  std::optional<SecretVersion> in_use = {};  // the version that the pool in use has
  std::string latest_version = {};           // what the vault held when it was last read
  std::chrono::milliseconds secret_age{0};   // of the version in use, since it was created
  std::optional<Time> last_read = {};        // that succeeded
  std::chrono::milliseconds stale_for{0};    // since reads fail; 0 while they succeed
  std::optional<Time> waiting_since = {};    // since it is in a state other than ready
  std::string vault_error = {};              // of the last read; empty when it succeeded
  std::string database_error = {};           // why the database accepts no secret; empty: does
  std::uint64_t reads = 0;                   // of the vault, failed ones too
  std::uint64_t read_failures = 0;
  std::uint64_t applies = 0;    // secrets tried on the database
  std::uint64_t refusals = 0;   // of them, those that it refused
  std::uint64_t rotations = 0;  // new versions taken into use after the first
  std::uint64_t renewals = 0;   // requests that came to `renew`
};

class Rotation {
  RotationCallbacks callbacks_;
  RotationOptions options_;
  const Clock& clock_;
  Random& random_;
  mutable std::mutex mutex_;  // guards all below but the thread
  std::condition_variable_any changed_;
  RotationFsm fsm_;
  std::optional<SecretValue> latest_;
  std::optional<SecretValue> in_use_;
  RotationStatus status_;
  std::optional<std::chrono::steady_clock::time_point> stale_since_;
  bool told_vault_ok_ = true;
  RotationFsm::State told_state_ = RotationFsm::State::kStarting;
  std::stop_source stop_;
  std::jthread thread_;

  void work();
  void read();
  void apply(const SecretValue& secret, bool new_version);
  void tell();

 public:
  Rotation(RotationCallbacks callbacks, RotationOptions options, const Clock& clock,
           Random& random);
  ~Rotation();  // stops
  Rotation(const Rotation&) = delete;
  Rotation& operator=(const Rotation&) = delete;

  // Begins to read the vault. Does not block. Once.
  void start();
  // Ends every wait at once and waits for the thread. Idempotent.
  void stop();

  // Blocks until a secret was accepted for the first time. Throws Error: kTimeout at the call's
  // deadline (the message says what it was waiting for and why), kUnavailable at a stop.
  void wait_ready(const Call& call) const;

  // For a request whose connection, of that epoch, the database refused (13, 18). True: a newer
  // epoch stands, try again with it. False: no use (the credentials were just seen to be good, or
  // have been bad for `give_up_after`), or none came in time. Blocks, `renew_wait` at most; however
  // many call, the vault is read once.
  [[nodiscard]] bool renew(std::uint64_t refused_epoch, Deadline deadline);

  [[nodiscard]] RotationStatus status() const;
};

}  // namespace gesso::azure
