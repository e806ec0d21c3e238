// Arrays as sets.
#include <algorithm>
#include <array>

#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Value;

void require_array(Value value, int code, const std::string& name) {
  if (value.is_array()) return;
  throw CommandError(code, "All operands of " + name +
                               " must be arrays. One argument is of type: " + type_text(value));
}

ValueSet set_of(Value array) {
  ValueSet set;
  for (const Element& element : array.as_document()) set.insert(element.value);
  return set;
}

Value union_of(Evaluation& evaluation, Arguments arguments) {
  ValueSet seen;
  std::vector<Value> result;
  for (const Value argument : arguments) {
    if (is_nullish(argument)) return Arena::null();
    require_array(argument, 17043, "$setUnion");
    for (const Element& element : argument.as_document()) {
      if (seen.insert(element.value).second) result.push_back(element.value);
    }
  }
  return evaluation.arena.array(result);
}

Value intersection_of(Evaluation& evaluation, Arguments arguments) {
  for (const Value argument : arguments) {
    if (is_nullish(argument)) return Arena::null();
    require_array(argument, 17047, "$setIntersection");
  }
  std::vector<Value> result;
  if (arguments.empty()) return evaluation.arena.array(result);
  std::vector<ValueSet> others;
  for (const Value argument : arguments.subspan(1)) others.push_back(set_of(argument));
  ValueSet seen;
  for (const Element& element : arguments[0].as_document()) {
    const bool everywhere = std::ranges::all_of(
        others, [&](const ValueSet& other) { return other.contains(element.value); });
    if (everywhere && seen.insert(element.value).second) result.push_back(element.value);
  }
  return evaluation.arena.array(result);
}

Value difference_of(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0]) || is_nullish(arguments[1])) return Arena::null();
  require_array(arguments[0], 17048, "$setDifference");
  require_array(arguments[1], 17049, "$setDifference");
  ValueSet excluded = set_of(arguments[1]);
  std::vector<Value> result;
  for (const Element& element : arguments[0].as_document()) {
    if (excluded.insert(element.value).second) result.push_back(element.value);
  }
  return evaluation.arena.array(result);
}

bool includes(const ValueSet& whole, const ValueSet& part) {
  return std::ranges::all_of(part, [&whole](Value value) { return whole.contains(value); });
}

Value equals(Evaluation&, Arguments arguments) {
  for (const Value argument : arguments) require_array(argument, 17044, "$setEquals");
  const ValueSet first = set_of(arguments[0]);
  return Arena::boolean(std::ranges::all_of(arguments.subspan(1), [&first](Value argument) {
    const ValueSet other = set_of(argument);
    return other.size() == first.size() && includes(first, other);
  }));
}

Value is_subset(Evaluation&, Arguments arguments) {
  require_array(arguments[0], 17046, "$setIsSubset");
  require_array(arguments[1], 17042, "$setIsSubset");
  return Arena::boolean(includes(set_of(arguments[1]), set_of(arguments[0])));
}

Value any_element_true(Evaluation&, Arguments arguments) {
  require_array(arguments[0], 17041, "$anyElementTrue");
  return Arena::boolean(std::ranges::any_of(
      arguments[0].as_document(), [](const Element& element) { return element.value.truthy(); }));
}

Value all_elements_true(Evaluation&, Arguments arguments) {
  require_array(arguments[0], 17040, "$allElementsTrue");
  return Arena::boolean(std::ranges::all_of(
      arguments[0].as_document(), [](const Element& element) { return element.value.truthy(); }));
}

constexpr std::array kFunctions = {
    FunctionEntry{"$setUnion", 0, kAnyNumber, union_of},
    FunctionEntry{"$setIntersection", 0, kAnyNumber, intersection_of},
    FunctionEntry{"$setDifference", 2, 2, difference_of},
    FunctionEntry{"$setEquals", 2, kAnyNumber, equals, 17045},
    FunctionEntry{"$setIsSubset", 2, 2, is_subset},
    FunctionEntry{"$anyElementTrue", 1, 1, any_element_true},
    FunctionEntry{"$allElementsTrue", 1, 1, all_elements_true},
};

}  // namespace

std::span<const FunctionEntry> set_functions() { return kFunctions; }

}  // namespace gesso::localdb
