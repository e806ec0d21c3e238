#include "gesso/domain/webhook_signature.hpp"

#include <charconv>

namespace gesso::domain {

std::string_view to_string(SignatureVerdict verdict) {
  switch (verdict) {
    case SignatureVerdict::kGood:
      return "good";
    case SignatureVerdict::kMalformed:
      return "malformed";
    case SignatureVerdict::kWrong:
      return "wrong";
    case SignatureVerdict::kTooOld:
      return "too_old";
    case SignatureVerdict::kTooNew:
      return "too_new";
  }
  return "unknown";
}

std::optional<std::int64_t> read_seconds(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::int64_t unix_seconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

SignatureVerdict judge_time(std::int64_t signed_at, Time now, std::chrono::seconds tolerance) {
  if (signed_at < unix_seconds(now) - tolerance.count()) return SignatureVerdict::kTooOld;
  if (signed_at > unix_seconds(now) + tolerance.count()) return SignatureVerdict::kTooNew;
  return SignatureVerdict::kGood;
}

}  // namespace gesso::domain
