// Who listens to the commits of a store, and what one of its transactions has for them.
//
// A write notes the document's `_id` where somebody listens to its collection, and looks at an
// empty list where nobody does. What an operation noted that is undone goes with it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/commits.hpp"
#include "gesso/localdb/storage/catalog.hpp"

namespace gesso::localdb {

struct CommitListener {
  const std::string database;
  const std::string collection;
  std::mutex mutex = {};          // guards what follows, and is held while it runs
  OnCommitted on_committed = {};  // empty once it has ended
};

// Thread-safe. Outlives what `listen` gives.
class CommitListeners {
 public:
  using List = std::vector<std::shared_ptr<CommitListener>>;

 private:
  mutable std::mutex mutex_;  // guards the pointer; the list it points to does not change
  std::shared_ptr<const List> list_ = std::make_shared<List>();

 public:
  [[nodiscard]] Listening listen(std::string_view database, std::string_view collection,
                                 OnCommitted on_committed);
  [[nodiscard]] std::shared_ptr<const List> current() const;

 private:
  void end(const std::shared_ptr<CommitListener>& listener);
};

// Of one transaction. Not thread-safe.
class CommitNews {
  std::shared_ptr<const CommitListeners::List> listeners_;
  std::vector<std::pair<CommitListener*, std::vector<bson::Document>>> by_listener_;

 public:
  CommitNews() = default;
  explicit CommitNews(std::shared_ptr<const CommitListeners::List> listeners)
      : listeners_(std::move(listeners)) {}

  // For a transaction within this one's: nothing yet, for the same listeners.
  [[nodiscard]] CommitNews within() const { return CommitNews(listeners_); }
  void note(const Collection& collection, bson::View document) {
    if (listeners_ && !listeners_->empty()) note_for_listeners(collection, document);
  }
  void take_over(CommitNews&& other);
  // Tells those who still listen; logs what they throw.
  void tell() const;

 private:
  void note_for_listeners(const Collection& collection, bson::View document);
  std::vector<bson::Document>& of(CommitListener* listener);
};

}  // namespace gesso::localdb
