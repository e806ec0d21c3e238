#include "gesso/localdb/engine/cursor.hpp"

#include <span>

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr int kCursorInUse = 12051;

std::size_t kept_size(const bson::Document& document) {
  return document.size() + sizeof(bson::Document);
}

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

KeptDocuments::KeptDocuments(std::vector<bson::Document> documents)
    : documents_(std::move(documents)) {
  for (const bson::Document& document : documents_) memory_ += kept_size(document);
}

std::optional<bson::View> KeptDocuments::next() {
  if (next_ == documents_.size()) return std::nullopt;
  // What was fetched is not needed again, but for the last one, which may be pushed back.
  for (; released_ + 1 < next_; ++released_) {
    memory_ -= kept_size(documents_[released_]);
    documents_[released_] = bson::Document();
  }
  return documents_[next_++].view();
}

bool append_batch(bson::Builder& reply, BatchSource& source, const BatchLimits& limits) {
  std::size_t documents = 0;
  for (;;) {
    const std::optional<bson::View> document = source.next();
    if (!document) return false;
    const bool full = (limits.documents && documents >= *limits.documents) ||
                      (documents > 0 && reply.size() + document->size() > limits.bytes);
    if (full) {
      source.push_back();
      return true;
    }
    reply.push(*document);
    ++documents;
  }
}

std::int64_t CursorRegistry::add(std::unique_ptr<Cursor> cursor) {
  const std::size_t memory = cursor->source->memory();
  if (memory > limits_.memory_bytes) {
    throw CommandError(ErrorCode::kQueryExceededMemoryLimit,
                       "the documents behind the first batch exceed what cursors may keep, " +
                           std::to_string(limits_.memory_bytes) + " bytes");
  }
  const std::lock_guard lock(mutex_);
  std::int64_t id = 0;
  do {
    // Random, so that nobody guesses another's, and positive, as some clients expect.
    random_.fill({reinterpret_cast<std::uint8_t*>(&id), sizeof id});
    id &= INT64_MAX;
  } while (id == 0 || entries_.contains(id));
  Entry& entry = entries_[id];
  entry.ns = cursor->ns;
  entry.user = cursor->user;
  entry.session = cursor->session;
  entry.never_expires = cursor->never_expires;
  entry.used = SteadyClock::now();
  entry.memory = memory;
  entry.cursor = std::move(cursor);
  memory_ += memory;
  make_room();
  return id;
}

// Closes idle ones, the longest idle first, until the rest is within the limits. The newest is none
// of them: it alone is within.
void CursorRegistry::make_room() {
  while (entries_.size() > limits_.most || memory_ > limits_.memory_bytes) {
    auto oldest = entries_.end();
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (at->second.cursor &&
          (oldest == entries_.end() || at->second.used < oldest->second.used)) {
        oldest = at;
      }
    }
    if (oldest == entries_.end()) return;  // all are in use
    erase(oldest);
  }
}

std::unique_ptr<Cursor> CursorRegistry::take(std::int64_t id, std::string_view ns,
                                             std::string_view user) {
  const std::lock_guard lock(mutex_);
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
  if (entry.user != user) {
    throw CommandError(ErrorCode::kUnauthorized,
                       "cursor id " + std::to_string(id) + " was opened by another user");
  }
  return std::move(entry.cursor);
}

void CursorRegistry::give_back(std::int64_t id, std::unique_ptr<Cursor> cursor) {
  const std::size_t memory = cursor->source->memory();
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found->second.killed) {
    erase(found);
    return;
  }
  memory_ += memory - found->second.memory;
  found->second.memory = memory;
  found->second.used = SteadyClock::now();
  found->second.cursor = std::move(cursor);
  make_room();
}

void CursorRegistry::close(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(id); found != entries_.end()) erase(found);
}

bool CursorRegistry::kill(std::int64_t id, std::string_view ns, std::string_view user) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  Entry& entry = found->second;
  if (entry.ns != ns || entry.user != user || entry.killed) return false;
  if (entry.cursor) {
    erase(found);
  } else {
    entry.killed = true;  // the command that has it ends it
  }
  return true;
}

void CursorRegistry::kill_session(const SessionId& session, std::string_view user) {
  const std::lock_guard lock(mutex_);
  kill_where([&](const Entry& entry) { return entry.session == session && entry.user == user; });
}

void CursorRegistry::reap() {
  const auto now = SteadyClock::now();
  const std::lock_guard lock(mutex_);
  kill_where([&](const Entry& entry) {
    return entry.cursor && !entry.never_expires && now - entry.used >= limits_.timeout;
  });
}

std::size_t CursorRegistry::open_count() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace gesso::localdb
