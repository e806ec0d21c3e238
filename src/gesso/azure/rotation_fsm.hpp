// When to read the vault, when to try a secret on the database, and when to wait: the rotation of
// a connection string as a state machine without I/O, threads, clock or randomness.
//
// What it makes of the two orders in which people rotate:
//  - secret before key: the new version is refused by the database; the old pool goes on, and the
//    new version is tried again in a cool-down until it is accepted or the secret changes again;
//  - key before secret: the database refuses the connections in use; the vault is read again and
//    again, quickly at first, until it has a version that the database accepts;
//  - a secret that is bad for good costs one read and two tries each `retry_max`.
//
// A value of one owner; not thread-safe; never blocks. rotation.cpp drives it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gesso::azure {

class RotationFsm {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  struct Options {
    std::chrono::milliseconds poll_interval{300'000};
    // The cool-down doubles with each failure from the least to the most.
    std::chrono::milliseconds retry_min{250};
    std::chrono::milliseconds retry_max{60'000};
    // The longest cool-down while the connections in use are refused and requests wait for that
    // to end.
    std::chrono::milliseconds retry_waited_max{1000};
    // How long requests wait for an end of the refusals. Later ones do not wait, and the cool-down
    // goes on to `retry_max`.
    std::chrono::milliseconds give_up_after{30'000};
    // How long credentials are taken to be good that the database refused (13: not authorised) and
    // that a fresh connection with the same secret then showed to be valid. Doubles with each
    // repetition up to `retry_max`.
    std::chrono::milliseconds verified_for{5000};
  };

  enum class State {
    kStarting,            // nothing was tried yet
    kWaitingForVault,     // no secret yet, since it cannot be read
    kWaitingForDatabase,  // no connection yet, since no server answers
    kNotAccepted,         // no connection yet, since the database refuses the secret
    kReady,
    kNewSecretRefused,    // the pool in use is fine; a newer secret is not accepted (yet)
    kCredentialsRefused,  // the version in use is no longer accepted, and no newer one is (yet)
    kStopped,
  };

  struct Action {
    enum class Kind {
      kRead,         // the latest version from the vault
      kApplyLatest,  // try the version that was read last
      kApplyInUse,   // try the version in use anew: is it still good?
      kWait,         // until `until`, or for `refused` or `stop`
      kStop,
    };
    Kind kind;
    Moment until = {};  // for kWait
    friend bool operator==(const Action&, const Action&) = default;
  };

  enum class ApplyResult {
    kAccepted,
    kRefused,      // the credentials
    kUnreadable,   // the text of the secret: never tried again
    kUnavailable,  // no server, no time, or anything else
  };

  // What a request does whose connection was refused.
  enum class RefusalAction {
    kRetry,  // try again: a newer pool is in use already
    kWait,   // wait: a newer pool may come
    kNoUse,  // give up: the credentials are good, or were bad for too long
  };

 private:
  enum class Step { kIdle, kRead, kApplyLatest, kApplyInUse };

  Options options_;
  Step step_ = Step::kRead;
  bool stopped_ = false;
  std::uint64_t pool_number_ = 0;
  std::string in_use_;
  std::string latest_;
  bool latest_tried_ = false;  // and not accepted
  ApplyResult latest_result_ = ApplyResult::kUnavailable;
  bool vault_ok_ = true;
  int failures_ = 0;  // in a row, of what the cool-down is for
  std::optional<Moment> retry_at_;
  Moment poll_at_ = Moment::max();
  Moment rest_until_ = Moment::min();  // of the vault, which is throttling
  std::optional<Moment> refused_since_;
  bool refusal_seen_ = false;          // the version in use was tried since, and refused too
  std::optional<Moment> verified_at_;  // the version in use, after a refusal
  int verified_ = 0;                   // times in a row
  std::uint64_t verifications_ = 0;

  [[nodiscard]] bool candidate() const;
  [[nodiscard]] std::chrono::milliseconds verified_for() const;
  void begin_retry(Moment now);
  void after_read(bool is_new, Moment now, double jitter);
  void cool_down(Moment now, double jitter);

 public:
  explicit RotationFsm(Options options) : options_(options) {}

  // What to do now. The same answer until one of the events below, or the time, changes it. The
  // results of kRead and the two kApply must be reported before it is asked again.
  [[nodiscard]] Action next(Moment now);

  // `jitter` in [0, 1) makes a wait 0.8 to 1.3 of itself, so that many processes spread.
  void read(std::string_view version, Moment now, double jitter);
  // `asked`: the vault wants to be left alone for so long; `retry_max` at most.
  void read_failed(Moment now, double jitter, std::chrono::milliseconds asked = {});
  void applied(std::uint64_t pool_number, Moment now, double jitter);
  void apply_failed(ApplyResult why, Moment now, double jitter);

  // The database refused (13, 18) a connection of that pool. May come at any time.
  [[nodiscard]] RefusalAction refused(std::uint64_t pool_number, Moment now);
  void stop() { stopped_ = true; }

  [[nodiscard]] State state() const;
  // How often the version in use was refused and then seen to be good: a permission is missing, or
  // connections went stale.
  [[nodiscard]] std::uint64_t verifications() const { return verifications_; }
  // Whether the last read of the vault was good.
  [[nodiscard]] bool vault_ok() const { return vault_ok_; }
  // The connection pool in use, as `applied` named it; 0: no secret was accepted yet.
  [[nodiscard]] std::uint64_t pool_number() const { return pool_number_; }
  // When requests stop waiting; std::nullopt while nothing is refused.
  [[nodiscard]] std::optional<Moment> gives_up_at() const;
};

// "ready", "waiting for the vault", ...; for people.
[[nodiscard]] std::string_view to_string(RotationFsm::State state);

}  // namespace gesso::azure
