// Learns how many request units a second a server gives us, and keeps below that instead of being
// refused: delays work, that of the background first. Without I/O or clock.
//
// Until the server refuses anything there is nothing to learn and nothing is delayed. From then on
// a bucket fills by the learned budget and every unit of work takes from it what such a unit cost
// lately, until it ends; each command takes what it cost. A unit starts while the bucket is not
// empty. Work of the background starts only from a bucket that foreground work leaves half full;
// who drives the limiter lets one such unit pass as foreground each `kBackgroundPatience`, so that
// the background is never starved.
//
// The budget: at a refusal it becomes what was charged in the second before it, less a little;
// while work is delayed and none is refused it grows by `growth` a second, since throughput may
// have been raised, or another instance of this program have gone. After `forget_after` without a
// refusal nothing is delayed any more. Several processes find their shares in this way without
// knowing of each other.
//
// A value of one owner; not thread-safe; never blocks. detail/limiter_gate.hpp shares one.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace gesso::mongo {

// Whose work it is: somebody waits for its answer, or nobody does (sweeps, usage logs, index
// builds).
enum class Priority { kForeground, kBackground };

inline constexpr std::chrono::milliseconds kBackgroundPatience{2000};

class ThroughputLimiter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  struct Options {
    double headroom = 0.03;  // of what the server gave, left unused
    double growth = 0.02;    // of the budget, each second
    double least = 10;       // request units a second; below that nothing works
    // Of a second's budget: what may be spent at once after a lull. The server counts by the
    // second, so more would be refused within it.
    double burst = 0.1;
    std::chrono::seconds forget_after{120};
  };

  struct Admission {
    Duration wait{0};     // 0: start now; else ask again then
    double reserved = 0;  // what was taken from the bucket, for `finished`
  };

 private:
  static constexpr std::size_t kSlots = 10;  // of a tenth of a second each

  Options options_;
  double budget_ = 0;  // request units a second; 0: nothing is delayed
  double level_ = 0;   // of the bucket; below 0 in debt
  TimePoint filled_at_{};
  TimePoint refused_at_{};
  TimePoint lowered_at_{};
  TimePoint resumes_at_{};
  bool delayed_ = false;  // anything since the budget last grew
  // What units of each priority cost lately.
  std::array<double, 2> unit_charge_{10, 10};
  // What was charged in the second that ends now.
  std::array<double, kSlots> charged_{};
  std::int64_t slot_ = 0;

 public:
  ThroughputLimiter() = default;
  explicit ThroughputLimiter(Options options) : options_(options) {}

  // Whether a unit may start.
  [[nodiscard]] Admission admit(Priority priority, TimePoint now);
  // Gives back what `admit` reserved, for work that was only asked about.
  void release(double reserved) { level_ += reserved; }
  // A command cost that much. Told of commands of units, and of those that were refused.
  void charged(double request_units, TimePoint now);
  // The server refused a command for want of capacity, and named a time to come back or none.
  // Nothing starts before then: it would be refused too.
  void refused(std::optional<std::chrono::milliseconds> retry_after, TimePoint now);
  // A unit that reserved so much has ended; its commands have cost `request_units` in all.
  void finished(Priority priority, double reserved, double request_units, TimePoint now);

  [[nodiscard]] bool is_shaping() const { return budget_ > 0; }
  // Request units a second; 0 while nothing was learned.
  [[nodiscard]] double budget() const { return budget_; }

 private:
  // The bucket's size.
  [[nodiscard]] double most() const;
  void advance(TimePoint now);
  [[nodiscard]] double charged_lately(TimePoint now);
  void turn(TimePoint now);
};

}  // namespace gesso::mongo
