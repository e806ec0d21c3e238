#include "gesso/repositories/rate_limit_repository.hpp"

#include <algorithm>
#include <string>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/repositories/checks.hpp"

namespace gesso::repositories {

using namespace query;
using models::LimitOperation;
using models::LimitSubject;
using models::RateLimitLog;
using models::RateLimitLogId;

namespace {

// An id may be no longer than 64 characters and an endpoint may hold any: hence a hash, and one
// that nobody finds another endpoint for.
RateLimitLogId id_of(const LimitSubject& subject, std::string_view endpoint,
                     const std::string& what) {
  const std::string text = subject.str() + '\0' + std::string(endpoint) + '\0' + what;
  const Digest hash = sha256(text);
  return std::string(RateLimitLogId::kPrefix) + base64url_encode(as_text(hash));
}

RateLimitLogId window_id(const LimitSubject& subject, std::string_view endpoint,
                         const LimitWindow& window) {
  return id_of(subject, endpoint,
               std::to_string(window.start.time_since_epoch().count()) + '+' +
                   std::to_string(window.length.count()));
}

RateLimitLogId block_id(const LimitSubject& subject, std::string_view endpoint) {
  return id_of(subject, endpoint, "block");
}

// When what ends at `end` may be deleted; a block may be for ever.
Time expiry(Time end) {
  return end < Time::max() - RateLimitLog::kLifetime ? end + RateLimitLog::kLifetime : Time::max();
}

// The update, and the operation among those that the document remembers.
bson::Document remembering(const bson::Document& update, const LimitOperation& operation) {
  bson::Builder builder;
  builder.append_all(update);
  builder.append("$push", bson::make_document(
                              schema::field_name<&RateLimitLog::recent_operations>,
                              bson::make_document("$each", bson::make_array(operation.str()),
                                                  "$slice", -RateLimitLog::kRecentOperations)));
  return builder.finish();
}

}  // namespace

// Changes or inserts the document of an id. std::nullopt where there is one that the filter does
// not match, or where another inserted it at the same moment.
std::optional<RateLimitLog> RateLimitRepository::upsert(const bson::Document& filter,
                                                        const bson::Document& update) {
  const mongo::FindAndModifyOptions options{.upsert = mongo::Upsert::kYes};
  try {
    const auto document =
        session().find_one_and_update(kCollection, filter, complete(filter, update), options);
    return schema::from_stored<RateLimitLog>(document.value(), ns());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kDuplicate) throw;
    return std::nullopt;
  }
}

TakenCalls RateLimitRepository::take(const LimitSubject& subject, std::string_view endpoint,
                                     const LimitWindow& window, std::int64_t limit,
                                     std::int64_t amount, const LimitOperation& operation) {
  require_at_least(1, "amount", amount);
  const RateLimitLogId id = window_id(subject, endpoint, window);
  if (amount > limit) {
    const auto log = find_by_id(id);
    return {.taken = false, .count = log ? log->request_count.value() : 0};
  }
  const Time expires_at = expiry(window.end());
  const auto has_room = where<&RateLimitLog::id> == id &&
                        where<&RateLimitLog::request_count> <= limit - amount &&
                        where<&RateLimitLog::recent_operations> != operation;
  require_served(has_room);
  const bson::Document filter = to_bson(has_room);
  const bson::Document changes =
      remembering(to_bson(update(inc<&RateLimitLog::request_count>(amount),
                                 set_on_insert<&RateLimitLog::user_id>(subject),
                                 set_on_insert<&RateLimitLog::endpoint>(endpoint),
                                 set_on_insert<&RateLimitLog::window_start>(window.start),
                                 set_on_insert<&RateLimitLog::window_end>(window.end()),
                                 set_on_insert<&RateLimitLog::is_blocked>(false),
                                 set_on_insert<&RateLimitLog::expires_at>(expires_at))),
                  operation);
  std::int64_t count = 0;
  // A document that had no room may have some when it is looked at: others give back, and two that
  // saw no document both insert it. Once more is enough for the latter.
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (const auto log = upsert(filter, changes)) {
      return {.taken = true, .count = log->request_count};
    }
    const auto log = find_by_id(id);
    if (!log) continue;
    if (std::ranges::find(log->recent_operations, operation) != log->recent_operations.end()) {
      return {.taken = true, .count = log->request_count};
    }
    count = log->request_count;
    if (count > limit - amount) break;
  }
  return {.taken = false, .count = count};
}

void RateLimitRepository::give_back(const LimitSubject& subject, std::string_view endpoint,
                                    const LimitWindow& window, std::int64_t amount,
                                    const LimitOperation& operation) {
  const auto not_yet = where<&RateLimitLog::id> == window_id(subject, endpoint, window) &&
                       where<&RateLimitLog::recent_operations> != operation;
  require_served(not_yet);
  // `expires_at` is what it is; said here, nobody has to read it first.
  const bson::Document changes =
      remembering(to_bson(update(inc<&RateLimitLog::request_count>(-amount),
                                 set<&RateLimitLog::expires_at>(expiry(window.end())))),
                  operation);
  const bson::Document filter = to_bson(not_yet);
  session().update_one(kCollection, filter, complete(filter, changes));
}

LimitStanding RateLimitRepository::look(const LimitSubject& subject, std::string_view endpoint,
                                        std::span<const LimitWindow> windows) {
  const RateLimitLogId block = block_id(subject, endpoint);
  std::vector<RateLimitLogId> ids;
  ids.reserve(windows.size() + 1);
  for (const LimitWindow& window : windows) ids.push_back(window_id(subject, endpoint, window));
  ids.push_back(block);
  LimitStanding standing{.counts = std::vector<std::int64_t>(windows.size())};
  for (const RateLimitLog& log : find_many(where<&RateLimitLog::id>.in(ids))) {
    if (log.id == block) {
      if (log.blocked_until > now()) standing.blocked_until = log.blocked_until;
      continue;
    }
    const auto place = std::ranges::find(ids, log.id) - ids.begin();
    standing.counts[static_cast<std::size_t>(place)] = log.request_count;
  }
  return standing;
}

RateLimitDecision RateLimitRepository::hit(const LimitSubject& subject, std::string_view endpoint,
                                           std::int64_t limit, std::chrono::milliseconds window,
                                           const LimitOperation& operation) {
  require_at_least(0, "limit", limit);
  require_at_least(1, "window", window.count());
  const LimitWindow current = LimitWindow::at(now(), window);
  const LimitStanding standing = look(subject, endpoint, std::span(&current, 1));
  if (standing.blocked_until) {
    return {.allowed = false, .remaining = 0, .reset_at = *standing.blocked_until};
  }
  const TakenCalls taken = take(subject, endpoint, current, limit, 1, operation);
  return {.allowed = taken.taken,
          .remaining = std::max<std::int64_t>(0, limit - taken.count),
          .reset_at = current.end()};
}

void RateLimitRepository::block(const LimitSubject& subject, std::string_view endpoint,
                                Time until) {
  const Time expires_at = expiry(until);
  const bson::Document filter = to_bson(where<&RateLimitLog::id> == block_id(subject, endpoint));
  const bson::Document changes = to_bson(
      update(set<&RateLimitLog::is_blocked>(true), set<&RateLimitLog::blocked_until>(until),
             set<&RateLimitLog::window_end>(until), set<&RateLimitLog::expires_at>(expires_at),
             set_on_insert<&RateLimitLog::user_id>(subject),
             set_on_insert<&RateLimitLog::endpoint>(endpoint),
             set_on_insert<&RateLimitLog::request_count>(0),
             set_on_insert<&RateLimitLog::window_start>(now())));
  // Two that saw no document both insert it; the second one finds it the next time. Once is enough,
  // unless the document is deleted in between.
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (upsert(filter, changes)) return;
  }
  throw Error(ErrorKind::kConflict, "the block is set and lifted all the time",
              {.retryable = true, .ns = ns(), .operation = "findAndModify"});
}

bool RateLimitRepository::is_blocked(const LimitSubject& subject, std::string_view endpoint) {
  return look(subject, endpoint, {}).blocked_until.has_value();
}

void RateLimitRepository::reset(const LimitSubject& subject, std::string_view endpoint) {
  const auto all_of_them =
      where<&RateLimitLog::user_id> == subject && where<&RateLimitLog::endpoint> == endpoint;
  require_served(all_of_them);
  session().delete_many(kCollection, to_bson(all_of_them));
}

}  // namespace gesso::repositories
