// Which indexes Cosmos DB makes: CosmosDialect::parse_index and check_index.
#include <algorithm>

#include "gesso/bson/index_spec.hpp"
#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/cosmos/dialect.hpp"
#include "gesso/localdb/cosmos/documents.hpp"
#include "gesso/localdb/cosmos/index_kinds.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr std::size_t kMostCompoundFields = 8;
constexpr std::size_t kMostUniquePaths = 16;
constexpr std::size_t kMostUniqueKeys = 10;
constexpr std::size_t kMostSingleFieldIndexes = 500;

[[noreturn]] void cannot_create(const std::string& text) {
  throw CommandError(ErrorCode::kCannotCreateIndex, text);
}

// {a : 1.0, b : -1.0}: as keys are printed.
std::string key_text(bson::View key) {
  std::string text = "{ ";
  for (const auto& [path, direction] : key) {
    if (text.size() > 2) text += ", ";
    text += std::string(path) + " : " + (direction.number() < 0 ? "-1.0" : "1.0");
  }
  return text + " }";
}

std::int64_t expiry_of(bson::Value value) {
  const std::optional<std::int64_t> seconds = value.integer();
  if (!seconds || *seconds < -1 || *seconds > INT32_MAX) {
    cannot_create("expireAfterSeconds must be a number from -1 to 2147483647");
  }
  return *seconds;
}

std::shared_ptr<const IndexSpec> parse_wildcard(bson::View description) {
  const bson::View key = description["key"].as_document();
  const bson::Value name = description["name"];
  const bool plain = key.count() == 1 && !description["unique"].truthy() &&
                     !description.contains("expireAfterSeconds") &&
                     !description.contains("wildcardProjection");
  if (!plain) {
    cannot_create(
        "a wildcard index is of one field and has no unique, expireAfterSeconds or "
        "wildcardProjection");
  }
  return std::make_shared<const WildcardIndex>(
      key, name.is_string() ? std::string(name.as_string()) : bson::default_index_name(key));
}

void check_nesting(const CosmosDialect& dialect, const IndexSpec& spec) {
  const bool is_plain = spec.fields.size() == 1 && !spec.unique;
  if (is_plain || dialect.can("EnableUniqueCompoundNestedDocs")) return;
  const bool nested = std::ranges::any_of(
      spec.fields, [](const IndexField& field) { return field.components.size() > 1; });
  if (nested) {
    throw CommandError(ErrorCode::kBadValue,
                       "Unique and compound indexes do not support nested paths");
  }
}

void check_options(const CosmosDialect& dialect, const IndexSpec& spec) {
  if (spec.partial_filter && (!spec.unique || !dialect.can("EnablePartialUniqueIndex"))) {
    throw CommandError(ErrorCode::kBadValue, "partial indexes are not supported");
  }
  if (spec.fields.size() > kMostCompoundFields && !spec.unique) {
    cannot_create("a compound index has " + std::to_string(kMostCompoundFields) +
                  " fields at most");
  }
  if (spec.unique && spec.fields.size() > kMostUniquePaths) {
    cannot_create("a unique index has " + std::to_string(kMostUniquePaths) + " fields at most");
  }
}

bool is_there(const Collection& collection, const IndexSpec& wanted) {
  return std::ranges::any_of(collection.indexes, [&](const auto& index) {
    const IndexSpec& spec = spec_of(*index);
    return spec.fields == wanted.fields && spec.unique == wanted.unique;
  });
}

void check_unique(const CosmosDialect& dialect, const WriteTransaction& write,
                  const Collection& collection, const IndexSpec& index, MadeWith made_with) {
  const Container container = container_of(write.catalog(), collection, dialect.options());
  const bool has_shard_key = std::ranges::any_of(
      index.fields, [&](const IndexField& field) { return field.path == container.shard_key; });
  if (container.is_sharded() && !has_shard_key) {
    cannot_create("cannot create unique index over " + key_text(index.key) +
                  " with shard key pattern { " + container.shard_key + " : 1.0 }");
  }
  if (dialect.options().continuous_backup && made_with == MadeWith::kCommand) {
    throw backend_error(dialect, static_cast<int>(ErrorCode::kBadValue), "BadRequest (400)",
                        "The unique index cannot be modified. To change the unique index, remove "
                        "the collection and re-create a new one.");
  }
  if (write.counters(collection).documents > 0 && !dialect.can("EnableUniqueIndexReIndex")) {
    cannot_create("Cannot create unique index when collection contains documents");
  }
  const auto unique = std::ranges::count_if(collection.indexes,
                                            [](const auto& other) { return other->keys->unique; });
  if (static_cast<std::size_t>(unique) > kMostUniqueKeys) {  // with that of `_id`
    cannot_create("a collection has " + std::to_string(kMostUniqueKeys) + " unique keys at most");
  }
}

}  // namespace

std::shared_ptr<const IndexSpec> CosmosDialect::parse_index(bson::View description) const {
  const bson::Value key = description["key"];
  if (key.is_document() && is_wildcard_key(key.as_document())) return parse_wildcard(description);
  if (key.is_document() && key.as_document().contains("_id") && key.as_document().count() == 1 &&
      description.contains("unique")) {
    throw CommandError(ErrorCode::kBadValue,
                       "The field 'unique' is not valid for an _id index specification");
  }
  // `sparse` is accepted and ignored.
  bson::Builder rest;
  for (const bson::Element& element : description) {
    if (element.key != "expireAfterSeconds" && element.key != "sparse") {
      rest.append_element(element);
    }
  }
  IndexSpec spec = IndexSpec::parse(rest.finish());
  check_nesting(*this, spec);
  check_options(*this, spec);
  const bson::Value expiry = description["expireAfterSeconds"];
  if (!expiry) return std::make_shared<const IndexSpec>(std::move(spec));
  const bool is_modified = spec.fields.size() == 1 && spec.fields.front().path == kModified;
  if (!is_modified && (!can("EnableTtlOnCustomPath") || spec.fields.size() > 1)) {
    throw CommandError(ErrorCode::kBadValue,
                       "The 'expireAfterSeconds' option is supported on '_ts' field only.");
  }
  return std::make_shared<const TimeToLiveIndex>(std::move(spec), expiry_of(expiry));
}

void CosmosDialect::check_index_of(const WriteTransaction& write, const Collection& collection,
                                   const IndexSpec& index, MadeWith made_with) const {
  if (is_there(collection, index)) return;
  if (index.unique && !index.is_id_index()) {
    check_unique(*this, write, collection, index, made_with);
  }
  if (dynamic_cast<const TimeToLiveIndex*>(&index) != nullptr &&
      time_to_live_of(collection) != nullptr) {
    cannot_create("only one field of a collection can have a time to live");
  }
  const auto single = std::ranges::count_if(
      collection.indexes, [](const auto& other) { return other->keys->field_count() == 1; });
  if (index.field_count() == 1 && static_cast<std::size_t>(single) >= kMostSingleFieldIndexes) {
    cannot_create("a collection has " + std::to_string(kMostSingleFieldIndexes) +
                  " single-field indexes at most");
  }
}

}  // namespace gesso::localdb::cosmos
