#include "gesso/localdb/plan/bounds.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "gesso/bson/compare.hpp"
#include "gesso/bson/decimal.hpp"
#include "gesso/localdb/index/key_encoder.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

// More ranges than this are not worth their seeks: the fields behind are left to the filter.
constexpr std::size_t kMaxRanges = 2000;

std::string encoded(Value value) {
  std::string key;
  encode_value(value, false, key);
  return key;
}

bool is_nan(Value value) {
  if (value.is(Type::kDouble)) return std::isnan(value.as_double());
  return value.is(Type::kDecimal128) && bson::is_nan(value.as_decimal128());
}

bool is_nullish(Value value) {
  return value.is_missing() || value.is_null() || value.is(Type::kUndefined);
}

// All numbers, all strings, ...; without NaN, which is below and above nothing.
Interval class_interval(Value value) {
  const std::string whole_class(1, class_byte(value.type()));
  Interval interval{.low = whole_class, .high = whole_class, .type = value.type()};
  if (value.is_number()) {
    const double nan = std::nan("");
    interval.low = encoded(Value(Type::kDouble, reinterpret_cast<const std::uint8_t*>(&nan)));
    interval.low_inclusive = false;
  }
  return interval;
}

// Whether the order of these values is one that a condition can ask for.
bool has_ranges(Type type) {
  constexpr std::array kTypes{Type::kDouble,   Type::kInt32,  Type::kInt64,     Type::kDecimal128,
                              Type::kString,   Type::kDate,   Type::kBool,      Type::kObjectId,
                              Type::kDocument, Type::kBinary, Type::kTimestamp, Type::kSymbol};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

FieldBounds equality(Value value) {
  FieldBounds bounds;
  if (value.is_array()) {
    // The array itself as an element, or a field that is this array: its entries are its elements.
    const bson::View array = value.as_document();
    bounds.intervals.push_back(
        point_interval(array.empty() ? Value(Type::kUndefined, nullptr) : array.begin()->value));
    bounds.intervals.push_back(point_interval(value));
    bounds.exact = false;
    return bounds;
  }
  bounds.intervals.push_back(point_interval(value));
  bounds.exact = !is_nullish(value);  // a null entry also stands for paths that lead nowhere
  return bounds;
}

// Which of two bounds, as prefixes of keys, comes first; an open end counts as infinite.
std::string low_key(const Interval& interval) {
  return interval.low_inclusive ? interval.low : successor(interval.low);
}
std::string high_key(const Interval& interval) {
  return interval.high_inclusive ? successor(interval.high) : interval.high;
}
bool ends_before(const std::string& left, const std::string& right) {
  return !left.empty() && (right.empty() || left < right);
}

void sort_and_join(std::vector<Interval>& intervals) {
  std::sort(intervals.begin(), intervals.end(), [](const Interval& left, const Interval& right) {
    return low_key(left) < low_key(right);
  });
  const auto same = [](const Interval& left, const Interval& right) {
    return left.low == right.low && left.high == right.high;
  };
  intervals.erase(std::unique(intervals.begin(), intervals.end(), same), intervals.end());
}

std::optional<FieldBounds> any_of(bson::View values) {
  FieldBounds bounds;
  for (const bson::Element& element : values) {
    FieldBounds one = equality(element.value);
    bounds.exact = bounds.exact && one.exact;
    std::move(one.intervals.begin(), one.intervals.end(), std::back_inserter(bounds.intervals));
  }
  sort_and_join(bounds.intervals);
  return bounds;
}

std::optional<FieldBounds> comparison(PredicateOp op, Value value) {
  const bool or_equal = op == PredicateOp::kLte || op == PredicateOp::kGte;
  if (value.is_null() || is_nan(value)) {
    if (or_equal) return equality(value);
    return std::nullopt;
  }
  if (!has_ranges(value.type())) return std::nullopt;
  Interval interval = class_interval(value);
  if (op == PredicateOp::kLt || op == PredicateOp::kLte) {
    interval.high = encoded(value);
    interval.high_inclusive = or_equal;
    interval.high_value = value;
  } else {
    interval.low = encoded(value);
    interval.low_inclusive = or_equal;
    interval.low_value = value;
  }
  FieldBounds bounds{.intervals = {std::move(interval)}};
  bounds.exact = !value.is_document();
  return bounds;
}

bool has_position(std::string_view path) {
  const FieldPath split(path);
  return std::any_of(split.parts().begin(), split.parts().end(),
                     [](const std::string& part) { return array_index(part).has_value(); });
}

bool accepts_null(const Predicate& predicate) {
  if (predicate.op == PredicateOp::kNotExists) return true;
  if (predicate.op == PredicateOp::kIn) {
    for (const bson::Element& element : predicate.operand.as_document()) {
      if (is_nullish(element.value)) return true;
    }
    return false;
  }
  return is_nullish(predicate.operand);
}

std::optional<FieldBounds> bounds_by_operator(const Predicate& predicate) {
  switch (predicate.op) {
    case PredicateOp::kEq:
      return equality(predicate.operand);
    case PredicateOp::kIn:
      return any_of(predicate.operand.as_document());
    case PredicateOp::kLt:
    case PredicateOp::kLte:
    case PredicateOp::kGt:
    case PredicateOp::kGte:
      return comparison(predicate.op, predicate.operand);
    case PredicateOp::kNotExists:
      return equality(Value(Type::kNull, nullptr));
    case PredicateOp::kExists:
    case PredicateOp::kOther:
      return std::nullopt;
  }
  return std::nullopt;
}

// The bytes of one interval of a field, behind those of the fields before it.
KeyRange range_behind(const std::string& before, const Interval& interval, bool descending,
                      bool& exact) {
  std::string low = interval.low;
  std::string high = interval.high;
  bool low_inclusive = interval.low_inclusive;
  bool high_inclusive = interval.high_inclusive;
  if (descending) {
    for (char& byte : low) byte = static_cast<char>(~byte);
    for (char& byte : high) byte = static_cast<char>(~byte);
    std::swap(low, high);
    std::swap(low_inclusive, high_inclusive);
  }
  low.insert(0, before);
  high.insert(0, before);
  // Behind this many bytes some entries are cut: the bound takes in all that begin alike.
  const auto cut = [&exact](std::string& bound, bool& inclusive) {
    if (bound.size() <= kCutKeyBytes) return;
    bound.resize(kCutKeyBytes);
    inclusive = true;
    exact = false;
  };
  cut(low, low_inclusive);
  cut(high, high_inclusive);
  return {.low = low_inclusive ? std::move(low) : successor(low),
          .high = high_inclusive ? successor(high) : std::move(high)};
}

void sort_and_join(std::vector<KeyRange>& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const KeyRange& left, const KeyRange& right) { return left.low < right.low; });
  std::vector<KeyRange> joined;
  for (KeyRange& range : ranges) {
    if (!range.high.empty() && range.high <= range.low) continue;
    if (!joined.empty() && !ends_before(joined.back().high, range.low) &&
        joined.back().high != range.low) {
      if (ends_before(joined.back().high, range.high)) joined.back().high = range.high;
      continue;
    }
    joined.push_back(std::move(range));
  }
  ranges = std::move(joined);
}

bool all_points(const FieldBounds& bounds) {
  return std::all_of(bounds.intervals.begin(), bounds.intervals.end(),
                     [](const Interval& interval) { return interval.is_point(); });
}

}  // namespace

Interval whole_interval() { return {}; }

Interval point_interval(Value value) {
  std::string key = encoded(value);
  return {.low = key, .high = std::move(key), .low_value = value, .high_value = value};
}

std::optional<FieldBounds> bounds_of(const Predicate& predicate) {
  const bool positional = has_position(predicate.path);
  // The array's element at that place and a field of that name are looked at both: an entry for
  // the one says nothing about the absence of the other.
  if (positional && accepts_null(predicate)) return std::nullopt;
  std::optional<FieldBounds> bounds = bounds_by_operator(predicate);
  if (bounds && positional) bounds->exact = false;
  return bounds;
}

FieldBounds intersect(const FieldBounds& left, const FieldBounds& right) {
  FieldBounds both{.exact = left.exact && right.exact};
  for (const Interval& a : left.intervals) {
    for (const Interval& b : right.intervals) {
      const bool a_begins = low_key(b) < low_key(a);
      const bool a_ends = ends_before(high_key(a), high_key(b));
      const Interval& low = a_begins ? a : b;
      const Interval& high = a_ends ? a : b;
      if (!ends_before(low_key(low), high_key(high))) continue;
      both.intervals.push_back({.low = low.low,
                                .high = high.high,
                                .low_inclusive = low.low_inclusive,
                                .high_inclusive = high.high_inclusive,
                                .low_value = low.low_value,
                                .high_value = high.high_value,
                                .type = a.type});
    }
  }
  sort_and_join(both.intervals);
  return both;
}

KeyRanges key_ranges(const IndexSpec& spec, const std::vector<FieldBounds>& bounds) {
  KeyRanges result;
  std::vector<std::string> prefixes{""};
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const bool is_last_of_index = i + 1 == spec.fields.size();
    const bool points = all_points(bounds[i]);
    if (prefixes.size() * bounds[i].intervals.size() > kMaxRanges && i > 0) break;
    ++result.fields;
    if (!points || is_last_of_index || i + 1 == bounds.size()) {
      for (const std::string& prefix : prefixes) {
        for (const Interval& interval : bounds[i].intervals) {
          if (points && is_last_of_index) {
            std::string key = prefix;
            for (const char byte : interval.low) {
              key.push_back(spec.fields[i].descending ? static_cast<char>(~byte) : byte);
            }
            truncate_key(key);
            if (prefixes.size() == 1 && bounds[i].intervals.size() == 1) result.whole_key = key;
            result.ranges.push_back({.low = key, .high = successor(key)});
          } else {
            result.ranges.push_back(
                range_behind(prefix, interval, spec.fields[i].descending, result.exact));
          }
        }
      }
      sort_and_join(result.ranges);
      return result;
    }
    std::vector<std::string> longer;
    for (const std::string& prefix : prefixes) {
      for (const Interval& point : bounds[i].intervals) {
        std::string key = prefix;
        for (const char byte : point.low) {
          key.push_back(spec.fields[i].descending ? static_cast<char>(~byte) : byte);
        }
        longer.push_back(std::move(key));
      }
    }
    prefixes = std::move(longer);
  }
  // No bounds at all, or the next field would have made too many ranges.
  for (const std::string& prefix : prefixes) {
    result.ranges.push_back(range_behind(prefix, whole_interval(), false, result.exact));
  }
  sort_and_join(result.ranges);
  return result;
}

}  // namespace gesso::localdb
