// Rate limits: how often somebody called something in the current window of time.
//
// Windows stand side by side on the clock (12:00 to 12:01, 12:01 to 12:02), and each is a document
// whose id follows from subject, endpoint and window, so that counting is one atomic update of one
// document, whoever comes first. A counter never passes the limit: what is refused is not counted.
//
// Every write carries the name of its operation, which the document remembers for a while: sent
// again after a lost answer, it changes nothing and gives the same answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "gesso/models/rate_limit_log.hpp"
#include "gesso/repositories/repository.hpp"

namespace gesso::repositories {

struct RateLimitDecision {
  bool allowed = false;
  std::int64_t remaining = 0;
  Time reset_at;  // when to try again
};

struct LimitWindow {
  Time start;
  std::chrono::milliseconds length{0};

  // The window of that length which a moment falls into. REQUIRES: 1 ms at least.
  [[nodiscard]] static LimitWindow at(Time moment, std::chrono::milliseconds length) {
    return {.start = moment - moment.time_since_epoch() % length, .length = length};
  }
  [[nodiscard]] Time end() const { return start + length; }

  friend bool operator==(const LimitWindow&, const LimitWindow&) = default;
};

// What is known of a subject and an endpoint.
struct LimitStanding {
  std::vector<std::int64_t> counts;        // of the windows that were asked for, in their order
  std::optional<Time> blocked_until = {};  // while there is a block
};

struct TakenCalls {
  bool taken = false;
  std::int64_t count = 0;  // of the window, with what was taken
};

class RateLimitRepository : public Repository<models::RateLimitLog> {
 public:
  using Repository::Repository;
  using Subject = models::LimitSubject;

  // Counts a call, and says whether it is one of the first `limit` of its window: exactly that many
  // are allowed, however many ask at once. No call passes while there is a block. Throws Error:
  // kValidation for an endpoint of no or more than 255 characters, a limit below 0 or a window
  // below 1 ms. To repeat a hit whose answer was lost, give both the same operation.
  RateLimitDecision hit(const Subject& subject, std::string_view endpoint, std::int64_t limit,
                        std::chrono::milliseconds window) {
    return hit(subject, endpoint, limit, window, next_operation());
  }
  RateLimitDecision hit(const Subject& subject, std::string_view endpoint, std::int64_t limit,
                        std::chrono::milliseconds window, const models::LimitOperation& operation);

  // Counts `amount` calls in advance, if the window has room for all of them. Safe to repeat with
  // the same operation and amount. Throws Error: kValidation for an amount below 1.
  TakenCalls take(const Subject& subject, std::string_view endpoint, const LimitWindow& window,
                  std::int64_t limit, std::int64_t amount, const models::LimitOperation& operation);
  // Counts that many less. Safe to repeat with the same operation. REQUIRES: they were taken.
  void give_back(const Subject& subject, std::string_view endpoint, const LimitWindow& window,
                 std::int64_t amount, const models::LimitOperation& operation);
  // The counts of some windows, and the block. One query.
  [[nodiscard]] LimitStanding look(const Subject& subject, std::string_view endpoint,
                                   std::span<const LimitWindow> windows);

  // Refuses every call until then; a later block replaces an earlier one.
  void block(const Subject& subject, std::string_view endpoint, Time until);
  [[nodiscard]] bool is_blocked(const Subject& subject, std::string_view endpoint);
  // Forgets the counts, and lifts a block.
  void reset(const Subject& subject, std::string_view endpoint);

  [[nodiscard]] models::LimitOperation next_operation() const { return context().ids.ulid(); }

 private:
  std::optional<models::RateLimitLog> upsert(const bson::Document& filter,
                                             const bson::Document& update);
};

}  // namespace gesso::repositories
