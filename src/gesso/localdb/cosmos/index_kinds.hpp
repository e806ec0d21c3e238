// The kinds of index that Cosmos DB has beside the usual ones: of `_ts` with a time to live, of a
// date of the application's with one, and of every field below a path.
//
// Immutable, thread-safe. They are kept in the catalog as their description with `cosmos: KIND`.
#pragma once

#include <memory>
#include <optional>

#include "gesso/localdb/index/spec.hpp"

namespace gesso::localdb::cosmos {

// Its keys are the moments at which documents are due.
struct TimeToLiveIndex final : IndexSpec {
  // `base` has its key and its name; `seconds` may be -1: only documents that say so are due.
  TimeToLiveIndex(IndexSpec base, std::int64_t seconds);

  // When a stored document is due; std::nullopt for never.
  [[nodiscard]] std::optional<Time> due(bson::View stored) const;

  [[nodiscard]] bson::Document describe() const override;
  [[nodiscard]] bool depends_on(std::string_view field) const override;
  void keys_of(bson::View document, KeySet& out) const override;
  [[nodiscard]] std::optional<KeySpan> expired(Time now) const override;
};

// `$**` or `a.$**`. It has no entries: what it serves is a matter of the charge.
struct WildcardIndex final : IndexSpec {
  std::string below;  // "a" of `a.$**`, "" of `$**`

  WildcardIndex(bson::View key, std::string name);

  [[nodiscard]] bool covers(std::string_view path) const;
  // How many values of a document it indexes.
  [[nodiscard]] std::size_t terms_of(bson::View document) const;

  [[nodiscard]] bson::Document describe() const override;
  [[nodiscard]] bool is_same_as(const IndexKeys& wanted) const override;
  [[nodiscard]] std::size_t field_count() const override { return 1; }
  [[nodiscard]] bool depends_on(std::string_view /*field*/) const override { return false; }
  void keys_of(bson::View /*document*/, KeySet& out) const override;
  [[nodiscard]] std::optional<KeySpan> expired(Time /*now*/) const override { return {}; }
};
// Whether a key is a wildcard's: {"$**": 1}, {"a.$**": 1}.
[[nodiscard]] bool is_wildcard_key(bson::View key);

// The reader of a store that may hold them, and the usual kinds.
[[nodiscard]] IndexKeysPtr read_index(bson::View description);

// The time to live of a collection; null where it has none.
[[nodiscard]] const TimeToLiveIndex* time_to_live_of(const Collection& collection);
// Whether filters and sorts may use it in a plan: the usual kind, over one field.
[[nodiscard]] bool serves_filters(const Index& index);

}  // namespace gesso::localdb::cosmos
