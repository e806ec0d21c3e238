#include "gesso/client/call.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>

#include "gesso/base/error.hpp"

namespace gesso::client {

void check(const Call& call, std::string_view doing) {
  if (call.stop.stop_requested()) {
    throw Error(ErrorKind::kUnavailable, "stopped while " + std::string(doing));
  }
  if (call.deadline.expired()) {
    throw Error(ErrorKind::kTimeout, "the deadline passed while " + std::string(doing),
                {.retryable = true});
  }
}

void wait(std::chrono::milliseconds duration, const Call& call, std::string_view doing) {
  check(call, doing);
  const Deadline until = Deadline::after(duration).earlier_of(call.deadline);
  std::mutex mutex;  // guards nothing: the condition variable asks for one
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_until(lock, call.stop, until.moment(), [] { return false; });
  check(call, doing);
}

}  // namespace gesso::client
