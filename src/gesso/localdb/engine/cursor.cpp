#include "gesso/localdb/engine/cursor.hpp"

#include <span>

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr int kCursorInUse = 12051;
constexpr auto kSweepPeriod = std::chrono::seconds{1};

[[noreturn]] void not_found(std::int64_t id) {
  throw CommandError(ErrorCode::kCursorNotFound, "cursor id " + std::to_string(id) + " not found");
}

}  // namespace

std::optional<bson::View> ExecutionSource::next() {
  const std::optional<Record> record = execution_.next();
  if (!record) return std::nullopt;
  if (!projection_) return record->document;
  projected_ = projection_->apply(record->document, execution_.plan().filter.get());
  return projected_.view();
}

void ExecutionSource::attach(const Transaction& transaction,
                             std::function<void()> check_interrupt) {
  execution_.set_check_interrupt(std::move(check_interrupt));
  execution_.attach(transaction);
}

void ExecutionSource::detach() {
  execution_.detach();
  execution_.set_check_interrupt({});
}

std::optional<bson::View> KeptDocuments::next() {
  if (next_ == documents_.size()) return std::nullopt;
  // What was fetched is not needed again, but for the last one.
  if (next_ > 1) documents_[next_ - 2] = bson::Document();
  return documents_[next_++].view();
}

bool append_batch(bson::Builder& reply, BatchSource& source, const BatchLimits& limits) {
  std::size_t documents = 0;
  for (;;) {
    const std::optional<bson::View> document = source.next();
    if (!document) return false;
    const bool full = (limits.documents && documents >= *limits.documents) ||
                      (documents > 0 && reply.size() + document->size() > BatchLimits::kMaxBytes);
    if (full) {
      source.push_back();
      return true;
    }
    reply.push(*document);
    ++documents;
  }
}

std::int64_t CursorRegistry::add(std::unique_ptr<Cursor> cursor) {
  const auto now = SteadyClock::now();
  const std::lock_guard lock(mutex_);
  sweep(now);
  std::int64_t id = 0;
  do {
    // Random, so that nobody guesses another's, and positive, as some clients expect.
    random_.fill({reinterpret_cast<std::uint8_t*>(&id), sizeof id});
    id &= INT64_MAX;
  } while (id == 0 || entries_.contains(id));
  Entry& entry = entries_[id];
  entry.ns = cursor->ns;
  entry.never_expires = cursor->never_expires;
  entry.used = now;
  entry.cursor = std::move(cursor);
  return id;
}

std::unique_ptr<Cursor> CursorRegistry::take(std::int64_t id, std::string_view ns,
                                             std::string_view user) {
  const std::lock_guard lock(mutex_);
  sweep(SteadyClock::now());
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.killed) not_found(id);
  Entry& entry = found->second;
  if (entry.ns != ns) {
    throw CommandError(ErrorCode::kUnauthorized, "Requested getMore on namespace '" +
                                                     std::string(ns) +
                                                     "', but cursor belongs to a different one");
  }
  if (!entry.cursor) {
    throw CommandError(kCursorInUse, "cursor id " + std::to_string(id) + " is already in use");
  }
  if (entry.cursor->user != user) {
    throw CommandError(ErrorCode::kUnauthorized,
                       "cursor id " + std::to_string(id) + " was opened by another user");
  }
  return std::move(entry.cursor);
}

void CursorRegistry::give_back(std::int64_t id, std::unique_ptr<Cursor> cursor) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found->second.killed) {
    entries_.erase(found);
    return;
  }
  found->second.used = SteadyClock::now();
  found->second.cursor = std::move(cursor);
}

void CursorRegistry::close(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  entries_.erase(id);
}

bool CursorRegistry::kill(std::int64_t id, std::string_view ns, std::string_view user) {
  const std::lock_guard lock(mutex_);
  sweep(SteadyClock::now());
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.ns != ns || found->second.killed) return false;
  if (!found->second.cursor) {
    found->second.killed = true;  // the command that has it ends it
    return true;
  }
  if (found->second.cursor->user != user) return false;
  entries_.erase(found);
  return true;
}

std::size_t CursorRegistry::open_count() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void CursorRegistry::sweep(SteadyClock::time_point now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + std::min<SteadyClock::duration>(timeout_ / 4, kSweepPeriod);
  std::erase_if(entries_, [&](const auto& item) {
    const Entry& entry = item.second;
    return entry.cursor && !entry.never_expires && now - entry.used >= timeout_;
  });
}

}  // namespace gesso::localdb
