// Where randomness comes from: passed in, so that a test can choose it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gesso {

// A source of random bytes. Implementations are thread-safe.
class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;

  virtual void fill(std::span<std::uint8_t> bytes) = 0;

  // Uniform in [0, 1).
  [[nodiscard]] double uniform();
};

// The operating system's generator (getrandom). Fit for keys and salts.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;
};

}  // namespace gesso
