// How a query is going to be answered: which index over which ranges, what is filtered afterwards,
// what is sorted.
//
//   Plan plan = make_plan(transaction, collection, {.filter = matcher, .sort = sort, .limit = 20});
//   Execution execution(std::move(plan));
//   execution.attach(transaction);
//   while (auto record = execution.next()) { ... }
//
// Values, owned by their maker; immutable after `make_plan`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/match/sort.hpp"
#include "gesso/localdb/storage/catalog.hpp"

namespace gesso::localdb {

class Matcher;
class Transaction;

// From `low` to `high` in the order of values of one field. A bound stands for every value whose
// encoding begins with it: "" for all, a class byte for all numbers, a whole encoding for one
// value.
struct Interval {
  std::string low = {}, high = {};
  bool low_inclusive = true, high_inclusive = true;
  // For explain: the values, borrowed from the filter; a missing one stands for the end of `type`'s
  // values, or of all values.
  bson::Value low_value = {}, high_value = {};
  bson::Type type = bson::Type::kMissing;

  [[nodiscard]] bool is_point() const {
    return low_inclusive && high_inclusive && low == high && low.size() > 0;
  }
};

// Keys from `low` up to but without `high`; "" as `high` for no end.
struct KeyRange {
  std::string low, high;
};

enum class Direction { kForward, kBackward };

// One scan: of the whole collection, or of an index over ranges.
struct Scan {
  std::shared_ptr<const Index> index = {};  // null: the collection in natural order
  Direction direction = Direction::kForward;
  std::vector<std::vector<Interval>> bounds = {};  // for each field of the index; for explain
  std::vector<KeyRange> ranges = {};               // ascending, disjoint
  // The whole key of a unique index: at most one record, found by a look-up.
  std::string unique_key = {};
  // For a branch of an `$or`: what its documents must match; null in a plan of one scan.
  std::shared_ptr<const Matcher> filter = {};
};

struct PlanRequest {
  std::shared_ptr<const Matcher> filter = {};  // null: every document
  bson::View sort = {};   // {} for any order; {$natural: 1} and -1 are understood
  bson::Value hint = {};  // an index's name or key, {$natural: ±1}, or missing
  std::uint64_t skip = 0;
  std::uint64_t limit = 0;  // 0 for none
  // Which indexes may be used; null: all of them.
  bool (*usable)(const Index&) = nullptr;
  // Of the others, whether a compound one may be that has the fields of the sort and no more.
  bool sorts_by_compound = false;
};

struct Plan {
  CollectionPtr collection;
  std::shared_ptr<const Matcher> filter;  // null: every document
  bool needs_filter = false;              // false where the ranges say it all
  bool is_id_lookup = false;              // {_id: <value>} and nothing else
  std::vector<Scan> scans;                // one; or the branches of an `$or`, all by index
  SortSpec sort;                          // empty where the scan's order is the one asked for
  bson::Document sort_document;           // for explain
  std::uint64_t skip = 0;
  std::uint64_t limit = 0;
};

// `filter` and `sort` in the request are read during the call, and `filter` is kept. Throws
// CommandError: 2 for a bad hint or sort.
[[nodiscard]] Plan make_plan(const Transaction& transaction, CollectionPtr collection,
                             const PlanRequest& request);

// {stage: "FETCH", inputStage: {stage: "IXSCAN", ...}}: the `winningPlan` of explain.
[[nodiscard]] bson::Document describe_plan(const Plan& plan);

}  // namespace gesso::localdb
