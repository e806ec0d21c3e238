// Waiting for what a thread or a server does soon, where no event tells of it.
#pragma once

#include <chrono>
#include <thread>

namespace gesso::testing {

// Whether it holds within the limit. Blocks until then; asks every few milliseconds.
template <class F>
[[nodiscard]] bool eventually(F&& holds,
                              std::chrono::milliseconds limit = std::chrono::seconds{20}) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

}  // namespace gesso::testing
