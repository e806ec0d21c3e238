// How whoever runs the embedded engine in its own process is told of what is committed.
#pragma once

#include <functional>
#include <span>
#include <utility>

#include "gesso/bson/builder.hpp"

namespace gesso::localdb {

// Told which documents of a collection a commit has inserted, replaced or removed, each by its
// `_id` alone, `{_id: ...}`, and by a document twice where it was changed twice. The commit is on
// the disk by then, and whoever reads sees it. Of two commits the later one may be told first.
// Called on a thread that writes, by one at a time, and not as often as the collection is dropped
// or renamed: it must not block, nor write, nor end its own Listening.
using OnCommitted = std::function<void(std::span<const bson::Document> ids)>;

// Ends the listening when it is destroyed: afterwards nobody is told any more. Blocks while the
// listener runs. Move-only; ends before the engine does.
class Listening {
  std::function<void()> end_;

 public:
  Listening() = default;
  explicit Listening(std::function<void()> end) : end_(std::move(end)) {}
  Listening(Listening&& other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
  Listening& operator=(Listening&& other) noexcept {
    if (this != &other) {
      end();
      end_ = std::exchange(other.end_, nullptr);
    }
    return *this;
  }
  ~Listening() { end(); }

  void end() {
    if (const auto ends = std::exchange(end_, nullptr)) ends();
  }
};

}  // namespace gesso::localdb
