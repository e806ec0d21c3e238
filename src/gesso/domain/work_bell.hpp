// Tells the workers of this process at once what those of others find when they look: that a
// generation waits, or that a provider has told something of one.
//
// Thread-safe; never blocks. Owned by whoever serves; must outlive who rings and who listens.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

#include "gesso/models/ids.hpp"

namespace gesso::domain {

class WorkBell {
  std::mutex mutex_;  // guards the two below, and is held while they run
  std::function<void()> on_waiting_;
  std::function<void(const models::GenerationId&)> on_news_;

 public:
  // Who listens; both must neither block nor ring. Empty ones: nobody, and neither of those before
  // runs any more once this returns.
  void listen(std::function<void()> on_waiting,
              std::function<void(const models::GenerationId&)> on_news) {
    const std::lock_guard lock(mutex_);
    on_waiting_ = std::move(on_waiting);
    on_news_ = std::move(on_news);
  }

  // A generation waits.
  void ring() {
    const std::lock_guard lock(mutex_);
    if (on_waiting_) on_waiting_();
  }
  // A provider has told something of this one.
  void tell(const models::GenerationId& id) {
    const std::lock_guard lock(mutex_);
    if (on_news_) on_news_(id);
  }
};

}  // namespace gesso::domain
