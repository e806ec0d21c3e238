// The operators on arrays that evaluate all their arguments; those with variables are in
// expression_iteration.cpp.
#include <algorithm>
#include <array>
#include <tuple>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/sort.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Value;
using bson::View;

std::vector<Value> elements_of(Value array) {
  std::vector<Value> values;
  for (const Element& element : array.as_document()) {
    charge(Meter::kStep);
    values.push_back(element.value);
  }
  return values;
}

Value size_of(Evaluation& evaluation, Arguments arguments) {
  if (!arguments[0].is_array()) {
    throw CommandError(17124, "The argument to $size must be an array, but was of type: " +
                                  type_text(arguments[0]));
  }
  return evaluation.arena.int32(static_cast<std::int32_t>(arguments[0].as_document().count()));
}

Value is_array(Evaluation&, Arguments arguments) { return Arena::boolean(arguments[0].is_array()); }

Value in(Evaluation&, Arguments arguments) {
  if (!arguments[1].is_array()) {
    throw CommandError(
        40081, "$in requires an array as a second argument, found: " + type_text(arguments[1]));
  }
  for (const Element& element : arguments[1].as_document()) {
    if (compare_values(arguments[0], element.value) == 0) return Arena::boolean(true);
  }
  return Arena::boolean(false);
}

Value at(Value array, std::int64_t position) {
  charge(array.raw().size() / 8);
  if (position < 0) position += static_cast<std::int64_t>(array.as_document().count());
  if (position < 0) return {};
  for (const Element& element : array.as_document()) {
    if (position-- == 0) return element.value;
  }
  return {};
}

void require_array(Value value, const std::string& name) {
  if (value.is_array()) return;
  throw CommandError(28689,
                     name + "'s first argument must be an array, but is " + type_text(value));
}

Value array_elem_at(Evaluation&, Arguments arguments) {
  if (is_nullish(arguments[0]) || is_nullish(arguments[1])) return Arena::null();
  require_array(arguments[0], "$arrayElemAt");
  if (!arguments[1].is_number()) {
    throw CommandError(28690, "$arrayElemAt's second argument must be a numeric value, but is " +
                                  type_text(arguments[1]));
  }
  const auto position = arguments[1].integer();
  if (!position || *position < INT32_MIN || *position > INT32_MAX) {
    throw CommandError(28691,
                       "$arrayElemAt's second argument must be representable as a 32-bit "
                       "integer: " +
                           value_text(arguments[1]));
  }
  return at(arguments[0], *position);
}

Value first(Evaluation&, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  require_array(arguments[0], "$first");
  return at(arguments[0], 0);
}

Value last(Evaluation&, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  require_array(arguments[0], "$last");
  return at(arguments[0], -1);
}

Value concat_arrays(Evaluation& evaluation, Arguments arguments) {
  bson::Builder result;
  for (const Value argument : arguments) {
    if (is_nullish(argument)) return Arena::null();
    if (!argument.is_array()) {
      throw CommandError(28664, "$concatArrays only supports arrays, not " + type_text(argument));
    }
    for (const Element& element : argument.as_document()) {
      charge(Meter::kStep);
      result.push(element.value);
    }
  }
  return evaluation.arena.array(std::move(result));
}

Value reverse(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  if (!arguments[0].is_array()) {
    throw CommandError(34435, "The argument to $reverseArray must be an array, but was of type: " +
                                  type_text(arguments[0]));
  }
  std::vector<Value> values = elements_of(arguments[0]);
  std::ranges::reverse(values);
  return evaluation.arena.array(values);
}

std::int64_t slice_number(Value value, int not_numeric, int not_integral, const char* which) {
  if (!value.is_number()) {
    throw CommandError(not_numeric, std::string(which) +
                                        " argument to $slice must be numeric, but is of type: " +
                                        type_text(value));
  }
  const auto number = value.integer();
  if (!number || *number < INT32_MIN || *number > INT32_MAX) {
    throw CommandError(not_integral, std::string(which) +
                                         " argument to $slice can't be represented as a 32-bit "
                                         "integer: " +
                                         value_text(value));
  }
  return *number;
}

Value slice(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0]) || is_nullish(arguments[1])) return Arena::null();
  if (!arguments[0].is_array()) {
    throw CommandError(28724, "First argument to $slice must be an array, but is of type: " +
                                  type_text(arguments[0]));
  }
  const std::vector<Value> values = elements_of(arguments[0]);
  const auto size = static_cast<std::int64_t>(values.size());
  const std::int64_t second = slice_number(arguments[1], 28725, 28726, "Second");
  std::int64_t begin = second < 0 ? size + std::max(second, -size) : 0;
  std::int64_t count = second < 0 ? size : std::min(second, size);
  if (arguments.size() == 3) {
    if (is_nullish(arguments[2])) return Arena::null();
    count = slice_number(arguments[2], 28727, 28728, "Third");
    if (count <= 0) {
      throw CommandError(28729,
                         "Third argument to $slice must be positive: " + std::to_string(count));
    }
    if (second >= 0) begin = std::min(second, size);
  }
  count = std::min(count, size - begin);
  return evaluation.arena.array(
      Arguments(values).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)));
}

std::int64_t range_number(Value value, int not_numeric, const char* what) {
  if (!value.is_number()) {
    throw CommandError(not_numeric, std::string("$range requires a numeric ") + what +
                                        " value, found value of type: " + type_text(value));
  }
  const auto number = value.integer();
  if (!number || *number < INT32_MIN || *number > INT32_MAX) {
    throw CommandError(not_numeric + 1, std::string("$range requires a ") + what +
                                            " value that can be represented as a 32-bit integer, "
                                            "found value: " +
                                            value_text(value));
  }
  return *number;
}

Value range(Evaluation& evaluation, Arguments arguments) {
  std::int64_t current = range_number(arguments[0], 34443, "starting");
  const std::int64_t end = range_number(arguments[1], 34445, "ending");
  const std::int64_t step = arguments.size() == 3 ? range_number(arguments[2], 34447, "step") : 1;
  if (step == 0) throw CommandError(34449, "$range requires a non-zero step value");
  // Refused before it is made: two small numbers can ask for 4 GB.
  constexpr std::int64_t kBytesAnElement = 12;
  const std::int64_t count = (end - current) / step;
  if (count > 0 && static_cast<std::size_t>(count * kBytesAnElement) > Arena::kDefaultLimit) {
    throw CommandError(ErrorCode::kQueryExceededMemoryLimit,
                       "$range would use too much memory and cannot spill");
  }
  bson::Builder result;
  for (; step > 0 ? current < end : current > end; current += step) {
    charge(Meter::kStep);
    result.push(static_cast<std::int32_t>(current));
  }
  return evaluation.arena.array(std::move(result));
}

Value index_of_array(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  if (!arguments[0].is_array()) {
    throw CommandError(40090, "$indexOfArray requires an array as a first argument, found: " +
                                  type_text(arguments[0]));
  }
  const auto bound = [&](std::size_t i, std::int64_t otherwise) {
    if (arguments.size() <= i) return otherwise;
    const auto value = arguments[i].is_number() ? arguments[i].integer() : std::nullopt;
    if (!value) {
      throw CommandError(40096,
                         "$indexOfArray requires an integral index, found a value of type: " +
                             type_text(arguments[i]));
    }
    if (*value < 0) {
      throw CommandError(
          40097, "$indexOfArray requires a nonnegative index, found: " + std::to_string(*value));
    }
    return *value;
  };
  const std::int64_t begin = bound(2, 0);
  const std::int64_t end = bound(3, INT64_MAX);
  std::int32_t position = 0;
  for (const Element& element : arguments[0].as_document()) {
    if (position >= begin && position < end && compare_values(element.value, arguments[1]) == 0) {
      return evaluation.arena.int32(position);
    }
    ++position;
  }
  return evaluation.arena.int32(-1);
}

Value sort_array(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  if (!arguments[0].is_array()) {
    throw CommandError(2942504,
                       "The input argument to $sortArray must be an array, but was of "
                       "type: " +
                           type_text(arguments[0]));
  }
  std::vector<Value> values = elements_of(arguments[0]);
  const Value by = arguments[1];
  if (by.is_document()) {
    const SortSpec spec = SortSpec::parse(by.as_document());
    const auto view = [](Value value) {
      return value.is_document() ? value.as_document() : View();
    };
    std::ranges::stable_sort(
        values, [&](Value left, Value right) { return spec.compare(view(left), view(right)) < 0; });
    return evaluation.arena.array(values);
  }
  const double direction = by.number();
  std::ranges::stable_sort(values, [direction](Value left, Value right) {
    return compare_values(left, right) * static_cast<int>(direction) < 0;
  });
  return evaluation.arena.array(values);
}

void check_sort_array(Arguments specs) {
  const Value by = specs[1];
  if (by.is_document()) {
    (void)SortSpec::parse(by.as_document());
  } else if (!by.is_number() || (by.number() != 1 && by.number() != -1)) {
    throw CommandError(2942505, "The $sort element value must be either 1 or -1");
  }
}

enum class Pick { kFirst, kLast, kLeast, kGreatest };

// $firstN, $lastN, $minN and $maxN of {n, input}.
template <Pick kPick>
Value pick_n(Evaluation& evaluation, Arguments arguments) {
  const auto n = arguments[0].is_number() ? arguments[0].integer() : std::nullopt;
  if (!n) throw CommandError(5787902, "Value for 'n' must be of integral type");
  if (*n <= 0)
    throw CommandError(5787908, "'n' must be greater than 0, found " + std::to_string(*n));
  if (is_nullish(arguments[1])) return Arena::null();
  if (!arguments[1].is_array()) {
    throw CommandError(5788200, "Input must be an array");
  }
  std::vector<Value> values = elements_of(arguments[1]);
  if constexpr (kPick == Pick::kLeast || kPick == Pick::kGreatest) {
    std::erase_if(values, is_nullish);
    constexpr int kDirection = kPick == Pick::kLeast ? 1 : -1;
    std::ranges::stable_sort(values, [](Value left, Value right) {
      return compare_values(left, right) * kDirection < 0;
    });
  }
  const std::size_t count = std::min(values.size(), static_cast<std::size_t>(*n));
  const Arguments all(values);
  return evaluation.arena.array(kPick == Pick::kLast ? all.last(count) : all.first(count));
}

// The shape of a $zip is its text's, not its values'.
void check_zip(Arguments specs) {
  const auto& [inputs, longest, defaults] = std::tie(specs[0], specs[1], specs[2]);
  if (!inputs.is_array()) {
    throw CommandError(34461, "inputs must be an array of expressions, found " + type_text(inputs));
  }
  if (!longest.is_missing() && !longest.is(bson::Type::kBool)) {
    throw CommandError(34463, "useLongestLength must be a bool, found " + type_text(longest));
  }
  if (!defaults.is_missing() && !defaults.is_array()) {
    throw CommandError(34462,
                       "defaults must be an array of expressions, found " + type_text(defaults));
  }
  if (inputs.as_document().empty()) {
    throw CommandError(34465, "$zip requires at least one input array");
  }
  if (defaults.is_missing() || defaults.as_document().empty()) return;
  if (!longest.truthy()) {
    throw CommandError(34466, "cannot specify defaults unless useLongestLength is true");
  }
  if (defaults.as_document().count() != inputs.as_document().count()) {
    throw CommandError(34467, "defaults and inputs must have the same length");
  }
}

Value zip(Evaluation& evaluation, Arguments arguments) {
  const bool longest = arguments[1].truthy();
  if (is_nullish(arguments[0])) return Arena::null();
  std::vector<std::vector<Value>> inputs;
  for (const Element& input : arguments[0].as_document()) {
    if (is_nullish(input.value)) return Arena::null();
    if (!input.value.is_array()) {
      throw CommandError(34468,
                         "$zip found a non-array expression in input: " + value_text(input.value));
    }
    inputs.push_back(elements_of(input.value));
  }
  const auto size = [](const std::vector<Value>& input) { return input.size(); };
  const std::size_t length = longest ? std::ranges::max(inputs, {}, size).size()
                                     : std::ranges::min(inputs, {}, size).size();
  bson::Builder result;
  for (std::size_t row = 0; row < length; ++row) {
    const auto scope = result.array(result.next_key());
    for (std::size_t column = 0; column < inputs.size(); ++column) {
      charge(Meter::kStep);
      Value value = row < inputs[column].size() ? inputs[column][row] : Value{};
      if (value.is_missing() && arguments[2].is_array()) {
        value = at(arguments[2], static_cast<std::int64_t>(column));
      }
      result.push(value.is_missing() ? Arena::null() : value);
    }
  }
  return evaluation.arena.array(std::move(result));
}

constexpr std::array kFunctions = {
    FunctionEntry{"$size", 1, 1, size_of},
    FunctionEntry{"$isArray", 1, 1, is_array},
    FunctionEntry{"$in", 2, 2, in},
    FunctionEntry{"$arrayElemAt", 2, 2, array_elem_at},
    FunctionEntry{"$first", 1, 1, first},
    FunctionEntry{"$last", 1, 1, last},
    FunctionEntry{"$concatArrays", 0, kAnyNumber, concat_arrays},
    FunctionEntry{"$reverseArray", 1, 1, reverse},
    FunctionEntry{"$slice", 2, 3, slice},
    FunctionEntry{"$range", 2, 3, range},
    FunctionEntry{"$indexOfArray", 2, 4, index_of_array},
};

constexpr std::array kSortArguments = {NamedArgument{"input", true},
                                       NamedArgument{"sortBy", true, 2942503, true}};
constexpr std::array kPickArguments = {NamedArgument{"n", true},
                                       NamedArgument{"input", true, 5787907}};
constexpr std::array kZipArguments = {NamedArgument{"inputs", true},
                                      NamedArgument{"useLongestLength", false, 0, true},
                                      NamedArgument{"defaults", false}};

constexpr std::array kNamed = {
    NamedEntry{"$sortArray", kSortArguments, sort_array, 2942500, 2942501, 2942502,
               check_sort_array},
    NamedEntry{"$firstN", kPickArguments, pick_n<Pick::kFirst>, 5787900, 5787901, 5787906},
    NamedEntry{"$lastN", kPickArguments, pick_n<Pick::kLast>, 5787900, 5787901, 5787906},
    NamedEntry{"$minN", kPickArguments, pick_n<Pick::kLeast>, 5787900, 5787901, 5787906},
    NamedEntry{"$maxN", kPickArguments, pick_n<Pick::kGreatest>, 5787900, 5787901, 5787906},
    NamedEntry{"$zip", kZipArguments, zip, 34460, 34464, 34465, check_zip},
};

}  // namespace

std::span<const FunctionEntry> array_functions() { return kFunctions; }
std::span<const NamedEntry> array_named() { return kNamed; }

}  // namespace gesso::localdb
