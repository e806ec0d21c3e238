// Rate limits: how often a user called an endpoint in the current window of time.
//
// Windows stand side by side on the clock (12:00 to 12:01, 12:01 to 12:02), and each is a document
// whose id follows from user, endpoint and window, so that counting is one atomic update of one
// document, whoever comes first.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "gesso/models/rate_limit_log.hpp"
#include "gesso/repositories/repository.hpp"

namespace gesso::repositories {

struct RateLimitDecision {
  bool allowed = false;
  std::int64_t remaining = 0;
  Time reset_at;  // when to try again
};

class RateLimitRepository : public Repository<models::RateLimitLog> {
 public:
  using Repository::Repository;

  // Counts a call, and says whether it is one of the first `limit` of its window: exactly that many
  // are allowed, however many ask at once. A call that passes is refused while there is a block.
  // Throws Error: kValidation for an endpoint of no or more than 255 characters, a limit below 0 or
  // a window below 1 ms.
  RateLimitDecision hit(const models::UserId& user_id, std::string_view endpoint,
                        std::int64_t limit, std::chrono::milliseconds window);

  // Refuses every call until then; a later block replaces an earlier one.
  void block(const models::UserId& user_id, std::string_view endpoint, Time until);
  [[nodiscard]] bool is_blocked(const models::UserId& user_id, std::string_view endpoint);
  // Forgets the counts, and lifts a block.
  void reset(const models::UserId& user_id, std::string_view endpoint);

 private:
  [[nodiscard]] std::optional<models::RateLimitLog> find_block(const models::UserId& user_id,
                                                               std::string_view endpoint);
  models::RateLimitLog upsert(const Id& id, const query::Update<models::RateLimitLog>& changes,
                              Time expires_at);
};

}  // namespace gesso::repositories
