#include "gesso/repositories/rate_limit_repository.hpp"

#include <algorithm>
#include <string>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/repositories/checks.hpp"

namespace gesso::repositories {

using namespace query;
using models::RateLimitLog;
using models::RateLimitLogId;
using models::UserId;

namespace {

// An id may be no longer than 64 characters and an endpoint may hold any: hence a hash, and one
// that nobody finds another endpoint for.
RateLimitLogId id_of(const UserId& user_id, std::string_view endpoint, const std::string& what) {
  const std::string text = user_id.str() + '\0' + std::string(endpoint) + '\0' + what;
  const Digest hash = sha256(text);
  return std::string(RateLimitLogId::kPrefix) + base64url_encode(as_text(hash));
}

RateLimitLogId window_id(const UserId& user_id, std::string_view endpoint, Time start,
                         std::chrono::milliseconds window) {
  return id_of(
      user_id, endpoint,
      std::to_string(start.time_since_epoch().count()) + '+' + std::to_string(window.count()));
}

RateLimitLogId block_id(const UserId& user_id, std::string_view endpoint) {
  return id_of(user_id, endpoint, "block");
}

// When what ends at `end` may be deleted; a block may be for ever.
Time expiry(Time end) {
  return end < Time::max() - RateLimitLog::kLifetime ? end + RateLimitLog::kLifetime : Time::max();
}

// The update, and `ttl` among what it sets.
bson::Document with_ttl(const bson::Document& update, std::optional<std::int32_t> ttl) {
  if (!ttl) return update;
  bson::Builder set;
  if (const bson::Value fields = update["$set"]) set.append_all(fields.as_document());
  set.append("ttl", *ttl);
  bson::Builder builder;
  for (const bson::Element& operation : update.view()) {
    if (operation.key != "$set") builder.append_element(operation);
  }
  builder.append("$set", set.finish());
  return builder.finish();
}

}  // namespace

RateLimitLog RateLimitRepository::upsert(const Id& id, const Update<RateLimitLog>& changes,
                                         Time expires_at) {
  const bson::Document filter = to_bson(where<&RateLimitLog::id> == id);
  const bson::Document update =
      with_ttl(to_bson(changes), detail::ttl_seconds(session().dialect(), now(), expires_at));
  const mongo::FindAndModifyOptions options{.upsert = mongo::Upsert::kYes};
  for (int attempt = 1;; ++attempt) {
    try {
      const auto document = session().find_one_and_update(kCollection, filter, update, options);
      return schema::from_stored<RateLimitLog>(document.value(), ns());
    } catch (const Error& error) {
      // Two that saw no document both insert it; the second one finds it the next time. Once is
      // enough, unless the document is deleted in between.
      if (error.kind() != ErrorKind::kDuplicate || attempt == 3) throw;
    }
  }
}

RateLimitDecision RateLimitRepository::hit(const UserId& user_id, std::string_view endpoint,
                                           std::int64_t limit, std::chrono::milliseconds window) {
  require_at_least(0, "limit", limit);
  require_at_least(1, "window", window.count());
  const Time moment = now();
  const Time start = moment - moment.time_since_epoch() % window;
  const Time end = start + window;
  const RateLimitLog log = upsert(
      window_id(user_id, endpoint, start, window),
      update(inc<&RateLimitLog::request_count>(1), set_on_insert<&RateLimitLog::user_id>(user_id),
             set_on_insert<&RateLimitLog::endpoint>(endpoint),
             set_on_insert<&RateLimitLog::window_start>(start),
             set_on_insert<&RateLimitLog::window_end>(end),
             set_on_insert<&RateLimitLog::is_blocked>(false),
             set_on_insert<&RateLimitLog::expires_at>(expiry(end))),
      expiry(end));
  const std::int64_t left = limit - log.request_count;
  if (left < 0) return {.allowed = false, .remaining = 0, .reset_at = end};
  if (const auto block = find_block(user_id, endpoint)) {
    return {.allowed = false, .remaining = 0, .reset_at = block->blocked_until.value()};
  }
  return {.allowed = true, .remaining = left, .reset_at = end};
}

void RateLimitRepository::block(const UserId& user_id, std::string_view endpoint, Time until) {
  upsert(
      block_id(user_id, endpoint),
      update(set<&RateLimitLog::is_blocked>(true), set<&RateLimitLog::blocked_until>(until),
             set<&RateLimitLog::window_end>(until), set<&RateLimitLog::expires_at>(expiry(until)),
             set_on_insert<&RateLimitLog::user_id>(user_id),
             set_on_insert<&RateLimitLog::endpoint>(endpoint),
             set_on_insert<&RateLimitLog::request_count>(0),
             set_on_insert<&RateLimitLog::window_start>(now())),
      expiry(until));
}

bool RateLimitRepository::is_blocked(const UserId& user_id, std::string_view endpoint) {
  return find_block(user_id, endpoint).has_value();
}

void RateLimitRepository::reset(const UserId& user_id, std::string_view endpoint) {
  const auto all_of_them =
      where<&RateLimitLog::user_id> == user_id && where<&RateLimitLog::endpoint> == endpoint;
  require_served(all_of_them);
  session().delete_many(kCollection, to_bson(all_of_them));
}

std::optional<RateLimitLog> RateLimitRepository::find_block(const UserId& user_id,
                                                            std::string_view endpoint) {
  return find_one(where<&RateLimitLog::id> == block_id(user_id, endpoint) &&
                  where<&RateLimitLog::blocked_until> > now());
}

}  // namespace gesso::repositories
