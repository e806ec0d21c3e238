// $type, $convert and its short forms.
#include <array>
#include <cmath>

#include "gesso/localdb/language/aggregate/convert.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/type_set.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

Value type_of(Evaluation& evaluation, Arguments arguments) {
  return evaluation.arena.string(bson::type_name(arguments[0].type()));
}

Value is_number(Evaluation&, Arguments arguments) {
  return Arena::boolean(arguments[0].is_number());
}

template <Type kTo>
Value to_type(Evaluation& evaluation, Arguments arguments) {
  if (is_nullish(arguments[0])) return Arena::null();
  return convert_value(arguments[0], kTo, evaluation.arena);
}

constexpr std::array kArguments = {NamedArgument{"input", true}, NamedArgument{"to", true},
                                   NamedArgument{"onError", false}, NamedArgument{"onNull", false}};
constexpr NamedEntry kConvert = {"$convert", kArguments, nullptr, 9, 9, 9};

class Convert final : public Expression {
  ExpressionPtr input_, to_, on_error_, on_null_;  // the last two may be null

 public:
  Convert(Value spec, ExpressionScope& scope) {
    const std::vector<Value> parts = named_specs(kConvert, spec);
    const auto compile = [&scope](Value part) {
      return part.is_missing() ? nullptr : compile_expression(part, scope);
    };
    input_ = compile(parts[0]);
    to_ = compile(parts[1]);
    on_error_ = compile(parts[2]);
    on_null_ = compile(parts[3]);
  }

  Value evaluate(Evaluation& evaluation) const override {
    const Value input = input_->evaluate(evaluation);
    const Value to = to_->evaluate(evaluation);
    if (is_nullish(input)) return on_null_ ? on_null_->evaluate(evaluation) : Arena::null();
    if (is_nullish(to)) return Arena::null();
    const Type target = target_type(to);
    if (!on_error_) return convert_value(input, target, evaluation.arena);
    try {
      return convert_value(input, target, evaluation.arena);
    } catch (const CommandError&) {
      return on_error_->evaluate(evaluation);
    }
  }

 private:
  static Type target_type(Value to) {
    std::optional<Type> type;
    if (to.is_string()) {
      type = type_of_alias(to.as_string());
      if (!type) {
        throw CommandError(ErrorCode::kBadValue,
                           "Unknown type name: " + std::string(to.as_string()));
      }
    } else if (to.is_number()) {
      type = type_of_number(to.number());
    }
    if (!type) {
      throw CommandError(
          ErrorCode::kFailedToParse,
          "$convert's 'to' argument must be a string or number, but is " + value_text(to));
    }
    return *type;
  }
};

ExpressionPtr compile_convert(std::string_view, Value spec, ExpressionScope& scope) {
  return std::make_unique<Convert>(spec, scope);
}

constexpr std::array kFunctions = {
    FunctionEntry{"$type", 1, 1, type_of},
    FunctionEntry{"$isNumber", 1, 1, is_number},
    FunctionEntry{"$toString", 1, 1, to_type<Type::kString>},
    FunctionEntry{"$toBool", 1, 1, to_type<Type::kBool>},
    FunctionEntry{"$toInt", 1, 1, to_type<Type::kInt32>},
    FunctionEntry{"$toLong", 1, 1, to_type<Type::kInt64>},
    FunctionEntry{"$toDouble", 1, 1, to_type<Type::kDouble>},
    FunctionEntry{"$toDecimal", 1, 1, to_type<Type::kDecimal128>},
    FunctionEntry{"$toDate", 1, 1, to_type<Type::kDate>},
    FunctionEntry{"$toObjectId", 1, 1, to_type<Type::kObjectId>},
};

constexpr std::array kSpecials = {SpecialEntry{"$convert", compile_convert}};

}  // namespace

std::span<const FunctionEntry> conversion_functions() { return kFunctions; }
std::span<const SpecialEntry> conversion_specials() { return kSpecials; }

}  // namespace gesso::localdb
