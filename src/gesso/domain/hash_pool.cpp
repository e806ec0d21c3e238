#include "gesso/domain/hash_pool.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "gesso/base/text.hpp"

namespace gesso::domain {

bool FairQueue::push(std::string_view key, Waiting task) {
  if (size_ >= limit_) return false;
  auto place = tasks_.find(key);
  if (place == tasks_.end()) {
    place = tasks_.try_emplace(std::string(key)).first;
    turns_.emplace_back(key);
  } else if (place->second.size() >= limit_per_key_) {
    return false;
  }
  place->second.push_back(std::move(task));
  ++size_;
  return true;
}

FairQueue::Waiting FairQueue::pop() {
  std::string key = std::move(turns_.front());
  turns_.pop_front();
  const auto place = tasks_.find(key);
  Waiting next = std::move(place->second.front());
  place->second.pop_front();
  --size_;
  if (place->second.empty()) {
    tasks_.erase(place);
  } else {
    turns_.push_back(std::move(key));
  }
  return next;
}

HashPool::HashPool(std::size_t threads, std::size_t queue_limit, std::size_t limit_per_key)
    : queue_(queue_limit,
             limit_per_key == 0 ? std::max<std::size_t>(1, queue_limit / 4) : limit_per_key) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, threads); ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

HashPool::~HashPool() {
  {
    FairQueue dropped(0, 0);  // destroyed outside the lock
    const std::lock_guard lock(mutex_);
    ending_ = true;
    std::swap(dropped, queue_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool HashPool::submit(std::string_view key, Deadline deadline, Task task, Task late) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_ ||
        !queue_.push(key,
                     {.deadline = deadline, .task = std::move(task), .late = std::move(late)})) {
      return false;
    }
  }
  changed_.notify_one();
  return true;
}

std::size_t HashPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void HashPool::work() {
  while (true) {
    FairQueue::Waiting next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (ending_) return;
      next = queue_.pop();
    }
    next.deadline.expired() ? next.late() : next.task();
  }
}

std::string network_of(std::string_view address) {
  const std::string text(address.substr(0, address.find('%')));  // without the zone
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return std::string(address);
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
    std::array<char, INET_ADDRSTRLEN> v4{};
    return ::inet_ntop(AF_INET, bytes.data() + kMapped.size(), v4.data(), v4.size());
  }
  return hex(std::span(bytes).first(8)) + "/64";
}

}  // namespace gesso::domain
