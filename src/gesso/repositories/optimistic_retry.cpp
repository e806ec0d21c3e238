#include "gesso/repositories/optimistic_retry.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace gesso::repositories {

namespace {

constexpr int kWithoutWait = 2;
constexpr int kDoublings = 5;

}  // namespace

bool OptimisticRetry::next() {
  const int attempt = attempts_++;
  if (attempt == 0) return true;
  if (attempt >= kWithoutWait) {
    const int doublings = std::min(attempt - kWithoutWait, kDoublings);
    const std::chrono::duration<double, std::milli> most(1 << doublings);
    std::this_thread::sleep_for(most * random_->uniform());
  }
  return !deadline_.expired();
}

}  // namespace gesso::repositories
