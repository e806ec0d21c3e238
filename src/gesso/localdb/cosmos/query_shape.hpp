// How Cosmos DB would answer a query: by a look-up, by its indexes, by reading documents.
//
// Single-field and wildcard indexes serve filters, several of them together; compound ones serve
// sorts along their whole path and nothing else. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/storage/catalog.hpp"

namespace gesso::localdb::cosmos {

// How much of a filter indexes answer.
enum class Served { kAll, kSome, kNone };

struct QueryShape {
  bool is_point = false;                // `_id` and the shard key, and nothing else
  std::vector<std::size_t> partitions;  // that it visits
  Served served = Served::kAll;         // of no filter: all
  // Of kSome: the conditions that indexes answer; the documents that meet them are read.
  std::shared_ptr<const Matcher> served_part = {};
  std::vector<std::string> indexed = {}, not_indexed = {};  // paths of the filter
};
// `filter` may be null.
[[nodiscard]] QueryShape shape_of(const Collection& collection, const Container& container,
                                  const Matcher* filter);

// Whether an index of one field answers conditions on the path.
[[nodiscard]] bool is_indexed(const Collection& collection, const Container& container,
                              std::string_view path);

// Why documents cannot be had in that order; "" where they can.
[[nodiscard]] std::string_view sort_fault(const Collection& collection, const Container& container,
                                          bson::View sort);

}  // namespace gesso::localdb::cosmos
