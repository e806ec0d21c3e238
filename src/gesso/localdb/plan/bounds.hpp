// From conditions to intervals of values, and from intervals to ranges of an index's keys.
//
// Pure functions. Private to plan/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/localdb/index/spec.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/plan/plan.hpp"

namespace gesso::localdb {

struct FieldBounds {
  std::vector<Interval> intervals = {};  // ascending, disjoint; none where nothing can match
  // Whether every key within them belongs to a document that meets the condition.
  bool exact = true;
};

[[nodiscard]] Interval whole_interval();
[[nodiscard]] Interval point_interval(bson::Value value);

// The values that a document must have an entry for, to meet the condition. std::nullopt where
// that is no use: any value may do.
[[nodiscard]] std::optional<FieldBounds> bounds_of(const Predicate& predicate);

// Of two conditions on a field without arrays.
[[nodiscard]] FieldBounds intersect(const FieldBounds& left, const FieldBounds& right);

struct KeyRanges {
  std::vector<KeyRange> ranges;  // ascending, disjoint
  std::size_t fields = 0;        // how many of the bounds they could take in
  bool exact = true;             // false where a bound was too long for a key and was widened
  std::string whole_key;         // the one key, where all fields are single points
};

// `bounds` are those of the index's first fields, all but the last made of points.
[[nodiscard]] KeyRanges key_ranges(const IndexSpec& spec, const std::vector<FieldBounds>& bounds);

}  // namespace gesso::localdb
