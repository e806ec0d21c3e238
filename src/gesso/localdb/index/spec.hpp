// What an index is: the document that createIndexes takes and listIndexes shows, checked.
//
// A value; immutable after `parse`, so thread-safe. Nothing here touches the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/storage/catalog.hpp"
#include "gesso/localdb/storage/index_keys.hpp"

namespace gesso::localdb {

class Matcher;

struct IndexField {
  std::string path;                     // "a.b"
  std::vector<std::string> components;  // {"a", "b"}
  bool descending = false;

  friend bool operator==(const IndexField&, const IndexField&) = default;
};

struct IndexSpec : IndexKeys {
  std::vector<IndexField> fields;
  bool sparse = false;
  std::optional<std::int64_t> expire_after_seconds;
  std::shared_ptr<const bson::Document> partial_filter;  // null: every document
  std::shared_ptr<const Matcher> partial_matcher;        // compiled from `partial_filter`

  // One element of createIndexes' `indexes`. Throws CommandError: 67 for a key, TTL or combination
  // that no index can have, 14 for a type, 197 for an unknown option, 2 for a bad `_id` index.
  [[nodiscard]] static IndexSpec parse(bson::View description);
  // {_id: 1}, "_id_", unique.
  [[nodiscard]] static IndexSpec for_id();

  [[nodiscard]] std::size_t field_count() const override { return fields.size(); }
  [[nodiscard]] bool is_id_index() const override { return name == "_id_"; }
  // {v: 2, key: ..., name: ..., unique: true, ...}: what listIndexes shows; `parse` reads it back.
  [[nodiscard]] bson::Document describe() const override;
  // As `compare_specs`.
  [[nodiscard]] bool is_same_as(const IndexKeys& wanted) const override;
  [[nodiscard]] bool depends_on(std::string_view field) const override;
  // Throws CommandError (171) for parallel arrays, 16746 for an ambiguous path.
  void keys_of(bson::View document, KeySet& out) const override;
  [[nodiscard]] std::string key_of_value(bson::Value value) const override;
  [[nodiscard]] bson::Document values_of(bson::View document, std::string_view key) const override;
  [[nodiscard]] std::optional<KeySpan> expired(Time now) const override;
};

// The reader of the store's indexes: `IndexSpec::parse`.
[[nodiscard]] IndexKeysPtr read_index(bson::View description);
// What an index of a store is. REQUIRES: the store was opened with `read_index`.
[[nodiscard]] inline const IndexSpec& spec_of(const Index& index) {
  return static_cast<const IndexSpec&>(*index.keys);
}

enum class SpecRelation { kDifferent, kIdentical };

// Whether `wanted` is already there as `existing`. Indexes of one key are different ones where they
// differ in uniqueness, sparseness or partial filter, as since MongoDB 5.0. Throws CommandError: 86
// for the same name as a different one, 85 for the same index under another name or with another
// time to live.
[[nodiscard]] SpecRelation compare_specs(const IndexSpec& existing, const IndexSpec& wanted);

}  // namespace gesso::localdb
