#include "gesso/localdb/storage/commit_listeners.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <iterator>

namespace gesso::localdb {

Listening CommitListeners::listen(std::string_view database, std::string_view collection,
                                  OnCommitted on_committed) {
  auto listener = std::make_shared<CommitListener>(std::string(database), std::string(collection));
  listener->on_committed = std::move(on_committed);
  const std::lock_guard lock(mutex_);
  auto list = std::make_shared<List>(*list_);
  list->push_back(listener);
  list_ = std::move(list);
  return Listening([this, listener = std::move(listener)] { end(listener); });
}

std::shared_ptr<const CommitListeners::List> CommitListeners::current() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

void CommitListeners::end(const std::shared_ptr<CommitListener>& listener) {
  {
    const std::lock_guard lock(mutex_);
    auto list = std::make_shared<List>(*list_);
    std::erase(*list, listener);
    list_ = std::move(list);
  }
  const std::lock_guard lock(listener->mutex);
  listener->on_committed = nullptr;
}

std::vector<bson::Document>& CommitNews::of(CommitListener* listener) {
  const auto found =
      std::ranges::find(by_listener_, listener, &decltype(by_listener_)::value_type::first);
  if (found != by_listener_.end()) return found->second;
  return by_listener_.emplace_back(listener, std::vector<bson::Document>{}).second;
}

void CommitNews::note_for_listeners(const Collection& collection, bson::View document) {
  for (const auto& listener : *listeners_) {
    if (listener->collection != collection.name || listener->database != collection.database) {
      continue;
    }
    of(listener.get()).push_back(bson::make_document("_id", document["_id"]));
  }
}

void CommitNews::take_over(CommitNews&& other) {
  for (auto& [listener, ids] : other.by_listener_)
    std::ranges::move(ids, std::back_inserter(of(listener)));
}

void CommitNews::tell() const {
  for (const auto& [listener, ids] : by_listener_) {
    const std::lock_guard lock(listener->mutex);
    if (!listener->on_committed) continue;
    try {
      listener->on_committed(ids);
    } catch (const std::exception& error) {
      spdlog::error("localdb: a listener of {}: {}", listener->collection, error.what());
    }
  }
}

}  // namespace gesso::localdb
