#include "gesso/localdb/cosmos/index_kinds.hpp"

#include <algorithm>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/compare.hpp"
#include "gesso/localdb/cosmos/documents.hpp"
#include "gesso/localdb/index/key_encoder.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr std::string_view kKind = "cosmos";
constexpr std::string_view kTimeToLiveKind = "ttl";
constexpr std::string_view kWildcardKind = "wildcard";
constexpr std::string_view kExpiry = "expireAfterSeconds";

std::string encoded(Time moment) {
  const std::int64_t millis = moment.time_since_epoch().count();
  std::string out;
  encode_value({bson::Type::kDate, reinterpret_cast<const std::uint8_t*>(&millis)}, false, out);
  return out;
}

// The moment that a field of the application's names: a date, or a number of milliseconds; of an
// array the earliest.
std::optional<Time> moment_of(bson::Value value) {
  if (value.is(bson::Type::kDate)) return value.as_date();
  if (value.is(bson::Type::kInt32) || value.is(bson::Type::kInt64) ||
      value.is(bson::Type::kDouble)) {
    if (const auto millis = value.integer()) return Time(std::chrono::milliseconds(*millis));
  }
  if (!value.is_array()) return std::nullopt;
  std::optional<Time> earliest;
  for (const auto& [key, element] : value.as_document()) {
    if (element.is_array()) continue;
    const std::optional<Time> moment = moment_of(element);
    if (moment && (!earliest || *moment < *earliest)) earliest = moment;
  }
  return earliest;
}

std::size_t leaves_of(bson::View document) {
  std::size_t count = 0;
  for (const auto& [key, value] : document) {
    count += value.is_document() || value.is_array() ? leaves_of(value.as_document()) : 1;
  }
  return count;
}

bson::Document with_kind(const bson::Document& description, std::string_view kind) {
  bson::Builder out;
  out.append_all(description);
  out.append(kKind, kind);
  return out.finish();
}

}  // namespace

TimeToLiveIndex::TimeToLiveIndex(IndexSpec base, std::int64_t seconds)
    : IndexSpec(std::move(base)) {
  expire_after_seconds = seconds;
}

std::optional<Time> TimeToLiveIndex::due(bson::View stored) const {
  const std::int64_t standard = expire_after_seconds.value_or(-1);
  if (fields.front().path != kModified) {
    const std::optional<Time> moment = moment_of(stored.at_path(fields.front().path));
    if (!moment || standard < 0) return std::nullopt;
    const std::chrono::seconds more(standard);
    if (*moment > Time::max() - more) return std::nullopt;  // beyond all that can be told
    return *moment + more;
  }
  const std::int64_t seconds = own_time_to_live(stored).value_or(standard);
  const std::optional<Time> modified = modified_at(stored);
  if (!modified || seconds < 0) return std::nullopt;
  return *modified + std::chrono::seconds(seconds);
}

bson::Document TimeToLiveIndex::describe() const {
  return with_kind(IndexSpec::describe(), kTimeToLiveKind);
}

bool TimeToLiveIndex::depends_on(std::string_view field) const {
  return field == kTimeToLive || IndexSpec::depends_on(field);
}

void TimeToLiveIndex::keys_of(bson::View document, KeySet& out) const {
  out.clear();
  out.multikey.assign(1, false);
  if (const std::optional<Time> moment = due(document)) out.keys.push_back(encoded(*moment));
}

std::optional<KeySpan> TimeToLiveIndex::expired(Time now) const {
  const std::string edge = encoded(now);
  return KeySpan{.low = std::string(1, edge.front()), .high = successor(edge)};
}

WildcardIndex::WildcardIndex(bson::View wanted, std::string wanted_name) {
  key = bson::Document(wanted);
  name = std::move(wanted_name);
  const std::string_view path = wanted.begin()->key;
  if (path.size() > 4) below = path.substr(0, path.size() - 4);
  fields.push_back({.path = std::string(path), .components = {std::string(path)}});
}

bool WildcardIndex::covers(std::string_view path) const {
  return below.empty() || path == below ||
         (path.starts_with(below) && path.substr(below.size()).starts_with('.'));
}

std::size_t WildcardIndex::terms_of(bson::View document) const {
  if (below.empty()) return leaves_of(document);
  const bson::Value value = document.at_path(below);
  if (!value) return 0;
  return value.is_document() || value.is_array() ? leaves_of(value.as_document()) : 1;
}

bson::Document WildcardIndex::describe() const {
  return with_kind(bson::make_document("v", 2, "key", key, "name", name), kWildcardKind);
}

bool WildcardIndex::is_same_as(const IndexKeys& wanted) const {
  return bson::compare(key.view(), wanted.key.view()) == 0;
}

void WildcardIndex::keys_of(bson::View /*document*/, KeySet& out) const {
  out.clear();
  out.multikey.assign(1, false);
}

bool is_wildcard_key(bson::View key) {
  return std::any_of(key.begin(), key.end(), [](const bson::Element& element) {
    return element.key == "$**" || element.key.ends_with(".$**");
  });
}

IndexKeysPtr read_index(bson::View description) {
  const bson::Value kind = description[kKind];
  if (!kind.is_string()) return localdb::read_index(description);
  if (kind.as_string() == kWildcardKind) {
    return std::make_shared<const WildcardIndex>(description["key"].as_document(),
                                                 std::string(description["name"].as_string()));
  }
  bson::Builder base;
  for (const bson::Element& element : description) {
    if (element.key != kKind && element.key != kExpiry) base.append_element(element);
  }
  return std::make_shared<const TimeToLiveIndex>(IndexSpec::parse(base.finish()),
                                                 description[kExpiry].integer().value_or(-1));
}

const TimeToLiveIndex* time_to_live_of(const Collection& collection) {
  for (const auto& index : collection.indexes) {
    if (const auto* found = dynamic_cast<const TimeToLiveIndex*>(index->keys.get())) return found;
  }
  return nullptr;
}

bool serves_filters(const Index& index) {
  return index.keys->field_count() == 1 &&
         dynamic_cast<const TimeToLiveIndex*>(index.keys.get()) == nullptr &&
         dynamic_cast<const WildcardIndex*>(index.keys.get()) == nullptr;
}

}  // namespace gesso::localdb::cosmos
