// What an index is, as createIndexes takes it and listIndexes shows it: keys, name and options.
//
// A value and pure functions of it. The models' declarations become one (query/index.hpp), the
// connection service sends it and compares it with what a server has (mongo/indexes.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/bson/view.hpp"

namespace gesso::bson {

struct IndexSpec {
  std::string name = {};  // empty for `default_index_name(keys)`
  Document keys = {};     // {a: 1, b: -1}; never empty
  bool unique = false;
  bool sparse = false;
  // TTL: a document goes so many seconds after the date under the only key.
  std::optional<std::int64_t> expire_after_seconds = {};
  // Only the documents that match it are in the index; empty for all.
  Document partial_filter = {};

  // The first key, which is the only one of a TTL index.
  [[nodiscard]] std::string_view leading_field() const { return keys.view().begin()->key; }
};

// MongoDB's habit: "user_id_1_created_at_-1".
[[nodiscard]] std::string default_index_name(View keys);

// {key, name, unique?, sparse?, expireAfterSeconds?, partialFilterExpression?}: an element of
// createIndexes' `indexes`.
[[nodiscard]] Document to_bson(const IndexSpec& spec);

// Reads an index as a server's listIndexes shows it. What it says beyond `IndexSpec` is passed
// over, and what it says wrongly is taken as left out: another's server decides what it shows.
[[nodiscard]] IndexSpec read_index_spec(View description);

// Whether the two have the same keys in the same order and directions, whatever type of number
// says so.
[[nodiscard]] bool have_same_keys(const IndexSpec& left, const IndexSpec& right);

// For people, which of the options differ: "unique: wanted true, stands false"; empty where they
// agree. Names and keys are not compared.
[[nodiscard]] std::string differing_options(const IndexSpec& wanted, const IndexSpec& existing);

// For people: `email_1 { "email" : 1 } unique`.
[[nodiscard]] std::string to_text(const IndexSpec& spec);

}  // namespace gesso::bson
