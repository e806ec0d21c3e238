// Time as Gesso keeps it, the clock that is passed in, and ISO 8601.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace gesso {

// A moment in UTC. BSON dates have this precision, so a value survives the database unchanged.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;

// "2026-01-31T12:00:00.000Z". Years 0000 to 9999; others are clamped to that range.
[[nodiscard]] std::string to_iso8601(Time time);
// The same text at the end of `out`.
void append_iso8601(std::string& out, Time time);

// Reads an RFC 3339 date-time: "Z" or an offset, up to nine fractional digits (cut to
// milliseconds). std::nullopt for anything else, a day that does not exist included.
[[nodiscard]] std::optional<Time> parse_iso8601(std::string_view text);

// Where time comes from. Implementations are thread-safe and do not block.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual Time now() const = 0;
  // A clock that never goes back, for durations and deadlines.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point steady_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override;
  [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override;
};

}  // namespace gesso
