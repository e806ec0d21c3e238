// When to look at each of the generations that are watched: at once when there may be news, soon
// after there was some, and more and more seldom while nothing happens.
//
// A value of one owner; not thread-safe; no I/O and no clock of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "gesso/models/ids.hpp"

namespace gesso::domain {

struct LookIntervals {
  std::chrono::milliseconds min{250};    // after a look that found news
  std::chrono::milliseconds max{2'000};  // to which it grows by half with each that found none
  std::chrono::milliseconds retry{250};  // after a look that failed; doubles, up to `max`
};

class LookSchedule {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  enum class Found { kNews, kNothing, kFailed };

 private:
  using Queue = std::multimap<Instant, models::GenerationId>;
  struct Plan {
    std::optional<Queue::iterator> place = {};  // none while it is being looked at
    std::chrono::milliseconds every{0};
    bool failed = false;    // the last look
    bool has_news = false;  // while it is being looked at there may be something new
  };
  LookIntervals intervals_;
  std::map<models::GenerationId, Plan> plans_;
  Queue queue_;

 public:
  explicit LookSchedule(const LookIntervals& intervals) : intervals_(intervals) {}

  // There may be something new of it: the next look is due at once. Adds what is not there.
  void hurry(const models::GenerationId& id, Instant now);
  // Other intervals from now on; of all of them there may be something new.
  void use(const LookIntervals& intervals, Instant now);
  // Something happened to it, which is known: more may follow soon.
  void expect_more(const models::GenerationId& id, Instant now);
  void remove(const models::GenerationId& id);
  // When the next look is due; std::nullopt where none will be.
  [[nodiscard]] std::optional<Instant> next() const;
  // Those to be looked at now: what is due, and what would be within a quarter of its interval, so
  // that few queries ask for many. None of them is due again before `looked` says what came of it.
  [[nodiscard]] std::vector<models::GenerationId> take_due(Instant now);
  void looked(const models::GenerationId& id, Found found, Instant now);

  [[nodiscard]] std::size_t size() const { return plans_.size(); }

 private:
  void put(const models::GenerationId& id, Plan& plan, Instant due);
  void take_out(Plan& plan);
};

}  // namespace gesso::domain
