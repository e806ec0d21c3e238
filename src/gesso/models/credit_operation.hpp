// A change of credits that is no charge for a generation: a grant, a deduction.
//
// A caller who loses the answer cannot know whether the change was made. It therefore brings a
// token, which the update that makes the change writes beside it, on condition that it is not
// there: who repeats the call with the same token changes nothing. The document keeps the last
// `kRecentOperations` of them, so a repetition is safe until so many others have come between.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

inline constexpr std::int32_t kRecentOperations = 64;

// Names one operation: the caller's choice, such as a request's idempotency key or an event's id.
using OperationToken = schema::Text<1, 255>;
using CreditReason = schema::Text<1, 200>;

struct CreditOperation {
  OperationToken token;
  std::int64_t credits;
  std::optional<CreditReason> reason = {};
  Time at;

  friend bool operator==(const CreditOperation&, const CreditOperation&) = default;

  static constexpr std::string_view kName = "CreditOperation";
};
GESSO_FIELDS(CreditOperation, (token, "Names the operation, so that its repetition is known."),
             (credits, "What it added, or as a negative number took."), (reason, "Why."),
             (at, "When."))

[[nodiscard]] inline bool has_operation(const std::vector<CreditOperation>& operations,
                                        const OperationToken& token) {
  return std::ranges::any_of(
      operations, [&](const CreditOperation& operation) { return operation.token == token; });
}

// What `recent_operations` is, of a user and of a subscription.
inline constexpr std::string_view kRecentOperationsAbout =
    "The last grants and deductions, so that none is made twice after a lost answer.";

}  // namespace gesso::models
