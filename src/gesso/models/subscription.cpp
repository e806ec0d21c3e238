#include "gesso/models/subscription.hpp"

namespace gesso::models {

std::vector<Violation> SubscriptionCreate::check() const {
  if (!current_period_start || *current_period_start < current_period_end) return {};
  return {{.path = {"current_period_end"},
           .type = "value_error",
           .message = "Value error, current_period_end should be after current_period_start",
           .expected = "date and time after " + to_iso8601(*current_period_start),
           .found = "date " + to_iso8601(current_period_end)}};
}

}  // namespace gesso::models
