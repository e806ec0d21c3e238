// What the signatures of all providers' webhooks have in common. Pure functions; thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gesso/base/clock.hpp"

namespace gesso::domain {

enum class SignatureVerdict {
  kGood,
  kMalformed,  // no header, no time in it, or no signature of the scheme v1
  kWrong,      // none of its signatures is by one of the secrets
  kTooOld,     // it may be a repetition of what somebody overheard
  kTooNew      // no clock of a provider's is that wrong: somebody keeps it for later
};
// "good", "malformed", ... for the log.
[[nodiscard]] std::string_view to_string(SignatureVerdict verdict);

// How far the time of a signature may be from ours, either way.
constexpr std::chrono::seconds kSignatureTolerance{300};

// Seconds since 1970 as a header has them; std::nullopt for what is no number.
[[nodiscard]] std::optional<std::int64_t> read_seconds(std::string_view text);
[[nodiscard]] std::int64_t unix_seconds(Time time);
// kGood, kTooOld or kTooNew.
[[nodiscard]] SignatureVerdict judge_time(std::int64_t signed_at, Time now,
                                          std::chrono::seconds tolerance);

}  // namespace gesso::domain
