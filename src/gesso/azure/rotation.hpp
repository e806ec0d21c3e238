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
#include <vector>

#include "gesso/azure/rotation_fsm.hpp"
#include "gesso/azure/secret_provider.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/deadline.hpp"
#include "gesso/base/random.hpp"
#include "gesso/client/call.hpp"

namespace gesso::azure {

struct RotationOptions {
  RotationFsm::Options timing = {};
  std::chrono::milliseconds renew_wait{10'000};  // the longest that a refused request waits
  // While requests wait, a read ends after half of `renew_wait`.
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
  std::function<SecretValue(const client::Call&)> read;
  // Connects with it, checks that with a real read, puts the new connection pool in the place of
  // the one before and returns the pool's number, which grows. Throws Error, and nothing has
  // changed: kAuth (credentials refused), kValidation (the text cannot be read), kUnavailable or
  // kTimeout (no server). Does not wait for what stood before to drain: its requests may be waiting
  // in `renew`.
  std::function<std::uint64_t(const SecretValue&, const client::Call&)> apply;
  std::function<void(const RotationNotice&)> log = {};
};

struct RotationStatus {
  RotationFsm::State state = RotationFsm::State::kStarting;
  std::uint64_t pool_number = 0;             // of the pool in use, as `apply` gave it; 0: none yet
  std::optional<SecretVersion> in_use = {};  // the version that the pool in use has
  std::string latest_version = {};           // what the vault held when it was last read
  std::chrono::milliseconds secret_age{0};   // how long ago the version in use was created
  std::optional<Time> last_read = {};        // that succeeded
  std::chrono::milliseconds stale_for{0};    // how long reads have failed; 0 while they succeed
  std::optional<Time> waiting_since = {};    // when it left the state ready; none while it is in it
  std::string vault_error = {};              // why the last read failed; empty when it did not
  std::string database_error = {};           // why the database accepts no secret; empty if it does
  std::uint64_t reads = 0;                   // reads of the vault, failed ones too
  std::uint64_t read_failures = 0;
  std::uint64_t applies = 0;    // secrets tried on the database
  std::uint64_t refusals = 0;   // secrets that the database refused when they were tried
  std::uint64_t rotations = 0;  // new versions taken into use after the first
  std::uint64_t renewals = 0;   // requests that came to `renew`
};

class Rotation {
  const RotationCallbacks callbacks_;
  const RotationOptions options_;
  const Clock& clock_;
  Random& random_;
  std::stop_source stop_;
  mutable std::mutex mutex_;  // guards all below
  mutable std::condition_variable_any changed_;
  RotationFsm fsm_;
  RotationStatus status_;                                         // without what `status` computes
  std::optional<std::chrono::steady_clock::time_point> read_at_;  // the last success, or the start
  // What the log was told last.
  std::string logged_state_;
  bool logged_vault_ok_ = true;
  std::uint64_t logged_verifications_ = 0;
  std::thread thread_;
  // What follows is touched by the thread alone.
  std::optional<SecretValue> latest_;
  std::optional<SecretValue> in_use_;

  void work();
  void read();
  void apply_latest();
  void apply_in_use();
  [[nodiscard]] std::optional<std::uint64_t> apply(const SecretValue& secret);
  void log_changes();
  [[nodiscard]] std::vector<RotationNotice> notices();

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
  void wait_ready(const client::Call& call) const;

  // For a request whose connection, of the pool of that number, the database refused (13, 18).
  // True: a newer pool is in use, try again with it. False: no use (the credentials were just seen
  // to be good, or have been bad for `give_up_after`), or none came in time. Blocks, `renew_wait`
  // at most; however many call, the vault is read once, or not at all where a newer version is in
  // hand.
  [[nodiscard]] bool renew(std::uint64_t refused_pool, Deadline deadline);

  [[nodiscard]] RotationStatus status() const;
};

}  // namespace gesso::azure
