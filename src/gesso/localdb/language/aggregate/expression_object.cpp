// $mergeObjects, $objectToArray, $arrayToObject, $getField, $setField and $unsetField.
#include <array>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/object_merge.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/nodes.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

Value merge_objects(Evaluation& evaluation, Arguments arguments) {
  // One array argument is a list of documents.
  std::vector<Value> inputs(arguments.begin(), arguments.end());
  if (inputs.size() == 1 && inputs[0].is_array()) {
    const View list = inputs[0].as_document();
    inputs.clear();
    for (const Element& element : list) {
      charge(Meter::kStep);
      inputs.push_back(element.value);
    }
  }
  FieldMerge merged;
  for (const Value input : inputs) {
    if (is_nullish(input)) continue;
    if (!input.is_document()) {
      throw CommandError(
          40400, "$mergeObjects requires object inputs, but input is of type " + type_text(input));
    }
    merged.put_all(input.as_document());
  }
  return evaluation.arena.document(merged.finish());
}

Value object_to_array(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  if (!arguments[0].is_document()) {
    throw CommandError(
        40390, "$objectToArray requires a document input, found: " + type_text(arguments[0]));
  }
  bson::Builder result;
  for (const Element& element : arguments[0].as_document()) {
    charge(Meter::kStep + element.key.size() + element.value.raw().size());
    const auto scope = result.document(result.next_key());
    result.append("k", element.key);
    result.append("v", element.value);
  }
  return evaluation.arena.array(std::move(result));
}

std::string_view require_key(Value key, int code) {
  if (!key.is_string()) {
    throw CommandError(code,
                       "$arrayToObject requires keys of type string, found: " + type_text(key));
  }
  if (key.as_string().find('\0') != std::string_view::npos) {
    throw CommandError(4940400, "Key field cannot contain an embedded null byte");
  }
  return key.as_string();
}

// {k: name, v: value}
void put_document(FieldMerge& object, View pair) {
  if (pair.count() != 2) {
    throw CommandError(40392,
                       "$arrayToObject requires an object keys of 'k' and 'v'. Found "
                       "incorrect number of keys:" +
                           std::to_string(pair.count()));
  }
  const Value key = pair["k"];
  const Value value = pair["v"];
  if (key.is_missing() || value.is_missing()) {
    throw CommandError(40393, "$arrayToObject requires an object with keys 'k' and 'v'.");
  }
  object.put(require_key(key, 40394), value);
}

// [name, value]
void put_pair(FieldMerge& object, View pair) {
  if (pair.count() != 2) {
    throw CommandError(40397,
                       "$arrayToObject requires an array of size 2 arrays,found array of "
                       "size: " +
                           std::to_string(pair.count()));
  }
  auto it = pair.begin();
  const std::string_view key = require_key(it->value, 40395);
  ++it;
  object.put(key, it->value);
}

Value array_to_object(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  if (!arguments[0].is_array()) {
    throw CommandError(40386,
                       "$arrayToObject requires an array input, found: " + type_text(arguments[0]));
  }
  FieldMerge object;
  // The first element says which form all of them have.
  Type form = Type::kMissing;
  for (const Element& element : arguments[0].as_document()) {
    if (form == Type::kMissing) form = element.value.type();
    if (form == Type::kDocument && !element.value.is_document()) {
      throw CommandError(40391,
                         "$arrayToObject requires a consistent input format. Elements must "
                         "all be arrays or all be objects. Object was detected, now found: " +
                             type_text(element.value));
    }
    if (form == Type::kArray && !element.value.is_array()) {
      throw CommandError(40396,
                         "$arrayToObject requires a consistent input format. Elements must "
                         "all be arrays or all be objects. Array was detected, now found: " +
                             type_text(element.value));
    }
    if (form == Type::kDocument) {
      put_document(object, element.value.as_document());
    } else if (form == Type::kArray) {
      put_pair(object, element.value.as_document());
    } else {
      throw CommandError(
          40398, "Unrecognised input type format for $arrayToObject: " + type_text(element.value));
    }
  }
  return evaluation.arena.document(object.finish());
}

// The document itself, where `input` is not given.
Value current_document(const Evaluation& evaluation) {
  return {Type::kDocument, evaluation.root.data()};
}

class GetField final : public Expression {
  std::string field_;
  ExpressionPtr input_;  // null: the document

 public:
  GetField(std::string_view field, ExpressionPtr input) : field_(field), input_(std::move(input)) {}
  Value evaluate(Evaluation& evaluation) const override {
    const Value input = input_ ? input_->evaluate(evaluation) : current_document(evaluation);
    if (input.is_document()) return input.as_document()[field_];
    return is_nullish(input) && !input.is_missing() ? Arena::null() : Value{};
  }
};

class SetField final : public Expression {
  std::string field_;
  ExpressionPtr input_;
  ExpressionPtr value_;  // null: take the field away

 public:
  SetField(std::string_view field, ExpressionPtr input, ExpressionPtr value)
      : field_(field), input_(std::move(input)), value_(std::move(value)) {}

  Value evaluate(Evaluation& evaluation) const override {
    const Value input = input_->evaluate(evaluation);
    if (is_nullish(input)) return Arena::null();
    if (!input.is_document()) {
      throw CommandError(4161105, "$setField requires 'input' to evaluate to type Object");
    }
    const Value value = value_ ? value_->evaluate(evaluation) : Value{};
    bson::Builder result;
    bool done = false;
    for (const Element& element : input.as_document()) {
      charge(Meter::kStep + element.value.raw().size());
      if (element.key == field_) {
        result.append(field_, value);
        done = true;
      } else {
        result.append_element(element);
      }
    }
    if (!done) result.append(field_, value);
    return evaluation.arena.document(result.finish());
  }
};

// `code` is for what is no constant, the two after it for what is no string and for a null byte.
std::string_view constant_field(Value spec, const std::string& name, int code,
                                ExpressionScope& scope, bson::OwnedValue& keep) {
  const ExpressionPtr expression = compile_expression(spec, scope);
  const Value* const constant = expression->constant();
  if (constant == nullptr) {
    throw CommandError(code, name + " requires 'field' to evaluate to a constant");
  }
  if (!constant->is_string()) {
    throw CommandError(code + 1, name + " requires 'field' to evaluate to type String, but got " +
                                     type_text(*constant));
  }
  if (constant->as_string().find('\0') != std::string_view::npos) {
    throw CommandError(code + 2, name + " requires 'field' to have no null byte");
  }
  keep = bson::OwnedValue(*constant);
  return keep.view().as_string();
}

constexpr int kGetFieldCode = 5654600;
constexpr int kSetFieldCode = 4161106;

constexpr std::array kGetArguments = {NamedArgument{"field", true}, NamedArgument{"input", false}};
constexpr NamedEntry kGet = {"$getField", kGetArguments, nullptr, 3041701, 3041701, 3041702};

ExpressionPtr compile_get_field(std::string_view name, Value spec, ExpressionScope& scope) {
  bson::OwnedValue keep;
  // {$getField: "name"}, {$getField: {$literal: "$name"}} and {$getField: {field, input}}
  const bool named = spec.is_document() && !is_operator_document(spec.as_document());
  if (!named) {
    return std::make_unique<GetField>(
        constant_field(spec, std::string(name), kGetFieldCode, scope, keep), nullptr);
  }
  const std::vector<Value> parts = named_specs(kGet, spec);
  ExpressionPtr input = parts[1].is_missing() ? nullptr : compile_expression(parts[1], scope);
  return std::make_unique<GetField>(
      constant_field(parts[0], std::string(name), kGetFieldCode, scope, keep), std::move(input));
}

constexpr std::array kSetArguments = {NamedArgument{"field", true},
                                      NamedArgument{"input", true, 4161109},
                                      NamedArgument{"value", true, 4161103}};
constexpr std::array kUnsetArguments = {NamedArgument{"field", true},
                                        NamedArgument{"input", true, 4161109}};

ExpressionPtr compile_set_field(std::string_view name, Value spec, ExpressionScope& scope) {
  const bool sets = name == "$setField";
  const NamedEntry shape = {name,
                            sets ? std::span<const NamedArgument>(kSetArguments)
                                 : std::span<const NamedArgument>(kUnsetArguments),
                            nullptr,
                            4161100,
                            4161101,
                            4161102};
  const std::vector<Value> parts = named_specs(shape, spec);
  bson::OwnedValue keep;
  const std::string_view field =
      constant_field(parts[0], std::string(name), kSetFieldCode, scope, keep);
  ExpressionPtr input = compile_expression(parts[1], scope);
  ExpressionPtr value = sets ? compile_expression(parts[2], scope) : nullptr;
  return std::make_unique<SetField>(field, std::move(input), std::move(value));
}

constexpr std::array kFunctions = {
    FunctionEntry{"$mergeObjects", 0, kAnyNumber, merge_objects},
    FunctionEntry{"$objectToArray", 1, 1, object_to_array},
    FunctionEntry{"$arrayToObject", 1, 1, array_to_object},
};

constexpr std::array kSpecials = {
    SpecialEntry{"$getField", compile_get_field},
    SpecialEntry{"$setField", compile_set_field},
    SpecialEntry{"$unsetField", compile_set_field},
};

}  // namespace

std::span<const FunctionEntry> object_functions() { return kFunctions; }
std::span<const SpecialEntry> object_specials() { return kSpecials; }

}  // namespace gesso::localdb
