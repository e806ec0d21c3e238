#include "gesso/localdb/language/match/sort.hpp"
#include "gesso/localdb/language/metered_compare.hpp"

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

constexpr std::size_t kMaxKeys = 32;

Value element_at(View array, std::size_t position) {
  for (const Element& element : array) {
    if (position-- == 0) return element.value;
  }
  return {};
}

// What a path leads to without fanning out: a value, or the array that stands in the way.
struct Reached {
  Value value;
  std::size_t depth = 0;  // components behind which `value` stands
  bool is_array = false;
};

Reached reach(Value value, const FieldPath& path, std::size_t depth) {
  for (;;) {
    if (value.is_array()) {
      const auto position = depth < path.size() ? array_index(path[depth]) : std::nullopt;
      const Value element = position ? element_at(value.as_document(), *position) : Value{};
      if (element.is_missing()) return {.value = value, .depth = depth, .is_array = true};
      value = element;
    } else if (depth == path.size()) {
      return {.value = value, .depth = depth};
    } else if (value.is_document()) {
      value = value.as_document()[path[depth]];
    } else {
      return {.value = {}, .depth = path.size()};
    }
    ++depth;
  }
}

Value extreme(View array, const SortSpec::Key& key, std::size_t depth);

// The value to sort by within one element of an array.
Value within_element(Value element, const SortSpec::Key& key, std::size_t depth) {
  if (depth == key.path.size()) return element;
  if (!element.is_document()) return {};
  const Reached reached = reach(element, key.path, depth);
  if (!reached.is_array) return reached.value;
  return extreme(reached.value.as_document(), key, reached.depth);
}

Value of_empty(const SortSpec::Key& key, std::size_t depth) {
  return depth == key.path.size() ? Value(Type::kUndefined, nullptr) : Value{};
}

Value extreme(View array, const SortSpec::Key& key, std::size_t depth) {
  if (array.empty()) return of_empty(key, depth);
  Value best;
  bool first = true;
  for (const Element& element : array) {
    const Value candidate = within_element(element.value, key, depth);
    if (first || metered_compare(candidate, best) * key.direction < 0) best = candidate;
    first = false;
  }
  return best;
}

[[noreturn]] void refuse_parallel_arrays() {
  throw CommandError(ErrorCode::kBadValue, "cannot sort with keys that are parallel arrays");
}

}  // namespace

SortSpec SortSpec::parse(View spec) {
  SortSpec sort;
  for (const Element& element : spec) {
    check_field_path(element.key);
    if (element.value.is_document() && element.value.as_document().contains("$meta")) {
      throw CommandError(ErrorCode::kCommandNotSupported, "$meta is not supported in a sort");
    }
    if (!element.value.is_number()) {
      throw CommandError(15974, "Illegal key in $sort specification: " + std::string(element.key) +
                                    ": " + value_text(element.value));
    }
    const double direction = element.value.number();
    if (direction != 1 && direction != -1) {
      throw CommandError(15975,
                         "$sort key ordering must be 1 (for ascending) or -1 (for descending)");
    }
    sort.keys_.push_back({.path = FieldPath(element.key), .direction = direction > 0 ? 1 : -1});
  }
  if (sort.keys_.size() > kMaxKeys) throw CommandError(13103, "too many compound keys");
  return sort;
}

void SortSpec::extract(View document, std::vector<Value>& values) const {
  values.clear();
  std::vector<Reached> arrays;  // by key, where any key meets one
  const Value root(Type::kDocument, document.data());
  std::size_t first_array = keys_.size();
  std::size_t array_keys = 0;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const Reached reached = reach(root, keys_[i].path, 0);
    values.push_back(reached.value);
    if (!reached.is_array) continue;
    arrays.resize(keys_.size());
    arrays[i] = reached;
    if (array_keys++ == 0) first_array = i;
  }
  if (array_keys == 0) return;

  // All keys that meet an array must meet the same one; then its elements are compared as tuples.
  const Value shared = arrays[first_array].value;
  for (const Reached& reached : arrays) {
    if (reached.is_array && reached.value.raw().data() != shared.raw().data()) {
      refuse_parallel_arrays();
    }
  }
  const auto with_element = [&](std::vector<Value>& tuple, auto&& value_of) {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (arrays[i].is_array) tuple[i] = value_of(keys_[i], arrays[i].depth);
    }
  };
  if (shared.as_document().empty()) {
    with_element(values, of_empty);
    return;
  }
  std::vector<Value> tuple = values;
  bool first = true;
  for (const Element& element : shared.as_document()) {
    with_element(tuple, [&element](const Key& key, std::size_t depth) {
      return within_element(element.value, key, depth);
    });
    if (first || compare_keys(tuple, values) < 0) values = tuple;
    first = false;
  }
}

int SortSpec::compare_keys(std::span<const Value> left, std::span<const Value> right) const {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const int order = metered_compare(left[i], right[i]);
    if (order != 0) return order * keys_[i].direction;
  }
  return 0;
}

int SortSpec::compare(View left, View right) const {
  std::vector<Value> left_values;
  std::vector<Value> right_values;
  extract(left, left_values);
  extract(right, right_values);
  return compare_keys(left_values, right_values);
}

}  // namespace gesso::localdb
