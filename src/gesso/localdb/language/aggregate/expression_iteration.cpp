// $map, $filter and $reduce: one expression for each element of an array.
#include <array>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Value;

std::string_view variable_name(Value as) {
  if (as.is_missing()) return "this";
  if (!as.is_string()) {
    throw CommandError(ErrorCode::kTypeMismatch,
                       "the name of a variable must be a string, found " + type_text(as));
  }
  check_variable_name(as.as_string());
  return as.as_string();
}

class Map final : public Expression {
  ExpressionPtr input_, in_;
  std::size_t slot_;

 public:
  Map(ExpressionPtr input, std::size_t slot, ExpressionPtr in)
      : input_(std::move(input)), in_(std::move(in)), slot_(slot) {}

  Value evaluate(Evaluation& evaluation) const override {
    const Value input = input_->evaluate(evaluation);
    if (is_nullish(input)) return Arena::null();
    if (!input.is_array()) {
      throw CommandError(16883, "input to $map must be an array not " + type_text(input));
    }
    bson::Builder result;
    for (const Element& element : input.as_document()) {
      charge(Meter::kStep);
      evaluation.slots[slot_] = element.value;
      const Value value = in_->evaluate(evaluation);
      result.push(value.is_missing() ? Arena::null() : value);
    }
    return evaluation.arena.array(std::move(result));
  }
};

class Filter final : public Expression {
  ExpressionPtr input_, condition_, limit_;  // the last may be null
  std::size_t slot_;

 public:
  Filter(ExpressionPtr input, std::size_t slot, ExpressionPtr condition, ExpressionPtr limit)
      : input_(std::move(input)),
        condition_(std::move(condition)),
        limit_(std::move(limit)),
        slot_(slot) {}

  Value evaluate(Evaluation& evaluation) const override {
    const Value input = input_->evaluate(evaluation);
    if (is_nullish(input)) return Arena::null();
    if (!input.is_array()) {
      throw CommandError(28651, "input to $filter must be an array not " + type_text(input));
    }
    std::int64_t left = limit(evaluation);
    bson::Builder result;
    for (const Element& element : input.as_document()) {
      if (left == 0) break;
      charge(Meter::kStep);
      evaluation.slots[slot_] = element.value;
      if (!condition_->evaluate(evaluation).truthy()) continue;
      result.push(element.value);
      --left;
    }
    return evaluation.arena.array(std::move(result));
  }

 private:
  std::int64_t limit(Evaluation& evaluation) const {
    const Value value = limit_ ? limit_->evaluate(evaluation) : Value{};
    if (is_nullish(value)) return -1;
    const auto number = value.is_number() ? value.integer() : std::nullopt;
    if (!number) {
      throw CommandError(327391, "$filter: limit must be represented as a 32-bit integral value");
    }
    if (*number <= 0) throw CommandError(327392, "$filter: limit must be greater than 0");
    return *number;
  }
};

class Reduce final : public Expression {
  ExpressionPtr input_, initial_, in_;
  std::size_t value_slot_, this_slot_;

 public:
  Reduce(ExpressionPtr input, ExpressionPtr initial, std::size_t value_slot, std::size_t this_slot,
         ExpressionPtr in)
      : input_(std::move(input)),
        initial_(std::move(initial)),
        in_(std::move(in)),
        value_slot_(value_slot),
        this_slot_(this_slot) {}

  Value evaluate(Evaluation& evaluation) const override {
    const Value input = input_->evaluate(evaluation);
    if (is_nullish(input)) return Arena::null();
    if (!input.is_array()) {
      throw CommandError(40080,
                         "$reduce requires that 'input' be an array, found: " + type_text(input));
    }
    Value value = initial_->evaluate(evaluation);
    for (const Element& element : input.as_document()) {
      charge(Meter::kStep);
      evaluation.slots[value_slot_] = value;
      evaluation.slots[this_slot_] = element.value;
      value = in_->evaluate(evaluation);
    }
    return value;
  }
};

constexpr std::array kMapArguments = {NamedArgument{"input", true}, NamedArgument{"as", false},
                                      NamedArgument{"in", true, 16882}};
constexpr std::array kFilterArguments = {NamedArgument{"input", true}, NamedArgument{"as", false},
                                         NamedArgument{"cond", true, 28650},
                                         NamedArgument{"limit", false}};
constexpr std::array kReduceArguments = {NamedArgument{"input", true},
                                         NamedArgument{"initialValue", true, 40078},
                                         NamedArgument{"in", true, 40079}};
constexpr NamedEntry kMap = {"$map", kMapArguments, nullptr, 16878, 16879, 16880};
constexpr NamedEntry kFilter = {"$filter", kFilterArguments, nullptr, 28646, 28647, 28648};
constexpr NamedEntry kReduce = {"$reduce", kReduceArguments, nullptr, 40075, 40076, 40077};

ExpressionPtr compile_map(std::string_view, Value spec, ExpressionScope& scope) {
  const std::vector<Value> parts = named_specs(kMap, spec);
  ExpressionPtr input = compile_expression(parts[0], scope);
  const std::size_t slot = scope.push(variable_name(parts[1]));
  ExpressionPtr in = compile_expression(parts[2], scope);
  scope.pop(1);
  return std::make_unique<Map>(std::move(input), slot, std::move(in));
}

ExpressionPtr compile_filter(std::string_view, Value spec, ExpressionScope& scope) {
  const std::vector<Value> parts = named_specs(kFilter, spec);
  ExpressionPtr input = compile_expression(parts[0], scope);
  ExpressionPtr limit = parts[3].is_missing() ? nullptr : compile_expression(parts[3], scope);
  const std::size_t slot = scope.push(variable_name(parts[1]));
  ExpressionPtr condition = compile_expression(parts[2], scope);
  scope.pop(1);
  return std::make_unique<Filter>(std::move(input), slot, std::move(condition), std::move(limit));
}

ExpressionPtr compile_reduce(std::string_view, Value spec, ExpressionScope& scope) {
  const std::vector<Value> parts = named_specs(kReduce, spec);
  ExpressionPtr input = compile_expression(parts[0], scope);
  ExpressionPtr initial = compile_expression(parts[1], scope);
  const std::size_t value_slot = scope.push("value");
  const std::size_t this_slot = scope.push("this");
  ExpressionPtr in = compile_expression(parts[2], scope);
  scope.pop(2);
  return std::make_unique<Reduce>(std::move(input), std::move(initial), value_slot, this_slot,
                                  std::move(in));
}

constexpr std::array kSpecials = {
    SpecialEntry{"$map", compile_map},
    SpecialEntry{"$filter", compile_filter},
    SpecialEntry{"$reduce", compile_reduce},
};

}  // namespace

std::span<const SpecialEntry> array_specials() { return kSpecials; }

}  // namespace gesso::localdb
