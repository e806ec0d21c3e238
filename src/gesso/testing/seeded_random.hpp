// Randomness that is the same in every run. Never for keys or salts.
//
// Owned by the test; thread-safe (which thread gets which bytes is then the scheduler's choice).
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <span>

#include "gesso/base/random.hpp"

namespace gesso::testing {

class SeededRandom final : public Random {
  std::mutex mutex_;  // guards engine_
  std::mt19937_64 engine_;

 public:
  explicit SeededRandom(std::uint64_t seed = 1) : engine_(seed) {}

  void fill(std::span<std::uint8_t> bytes) override {
    const std::lock_guard lock(mutex_);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(engine_() >> 56);
  }
};

}  // namespace gesso::testing
