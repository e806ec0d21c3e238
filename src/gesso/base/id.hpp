// Client-assigned document ids: a prefix and a ULID, "gen_01J9ZQ3V7X5R2M8K4T6W0Y1B3C".
//
// Assigned before the first attempt, so that an insert can be retried without doubling. They sort
// by creation time (https://github.com/ulid/spec), also within one millisecond of one generator.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"

namespace gesso {

// Makes ULIDs. Thread-safe. Borrows the clock and the randomness, which must outlive it.
class IdGenerator {
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;  // guards the two below
  std::int64_t last_millis_ = -1;
  std::array<std::uint8_t, 10> last_random_{};

 public:
  IdGenerator(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  // 26 characters of Crockford's base 32, greater than every one that this generator made before.
  [[nodiscard]] std::string ulid();

  // `prefix` + a ULID.
  [[nodiscard]] std::string next(std::string_view prefix);
};

// Whether `text` is `prefix` followed by a ULID in its canonical upper case.
[[nodiscard]] bool is_id(std::string_view text, std::string_view prefix);

}  // namespace gesso
