#include "gesso/mongo/detail/endpoint.hpp"

#include <utility>

namespace gesso::mongo::detail {

void EndpointCloser::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    std::vector<std::unique_ptr<Endpoint>> ended;
    ended.swap(waiting_);
    lock.unlock();
    ended.clear();
    lock.lock();
  }
}

EndpointCloser::~EndpointCloser() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  woken_.notify_one();
}

std::shared_ptr<Endpoint> EndpointCloser::share(std::unique_ptr<Endpoint> endpoint) {
  return {endpoint.release(), [this](Endpoint* last) {
            const std::lock_guard lock(mutex_);
            waiting_.emplace_back(last);
            woken_.notify_one();
          }};
}

std::shared_ptr<Endpoint> Shared::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void Shared::replace(std::shared_ptr<Endpoint> next) {
  const std::lock_guard lock(mutex_);
  current_.swap(next);
  pool_number_.store(current_->pool_number, std::memory_order_release);
}

}  // namespace gesso::mongo::detail
