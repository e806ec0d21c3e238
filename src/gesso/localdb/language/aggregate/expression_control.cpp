// What evaluates only some of its parts, and what binds variables to all of them: $and, $or, $cond,
// $ifNull, $switch, $let, $literal.
#include <algorithm>
#include <array>
#include <optional>

#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Value;
using bson::View;

class AndOr final : public Expression {
  bool and_;
  std::vector<ExpressionPtr> parts_;

 public:
  AndOr(bool is_and, std::vector<ExpressionPtr> parts) : and_(is_and), parts_(std::move(parts)) {}
  Value evaluate(Evaluation& evaluation) const override {
    const auto holds = [&](const ExpressionPtr& part) {
      return part->evaluate(evaluation).truthy();
    };
    return Arena::boolean(and_ ? std::ranges::all_of(parts_, holds)
                               : std::ranges::any_of(parts_, holds));
  }
};

class Cond final : public Expression {
  ExpressionPtr if_, then_, else_;

 public:
  Cond(ExpressionPtr condition, ExpressionPtr then, ExpressionPtr otherwise)
      : if_(std::move(condition)), then_(std::move(then)), else_(std::move(otherwise)) {}
  Value evaluate(Evaluation& evaluation) const override {
    return (if_->evaluate(evaluation).truthy() ? then_ : else_)->evaluate(evaluation);
  }
};

class IfNull final : public Expression {
  std::vector<ExpressionPtr> parts_;

 public:
  explicit IfNull(std::vector<ExpressionPtr> parts) : parts_(std::move(parts)) {}
  Value evaluate(Evaluation& evaluation) const override {
    Value value;
    for (const ExpressionPtr& part : parts_) {
      value = part->evaluate(evaluation);
      if (!is_nullish(value)) break;
    }
    return value;
  }
};

class Switch final : public Expression {
 public:
  struct Branch {
    ExpressionPtr condition;
    ExpressionPtr then;
  };

 private:
  std::vector<Branch> branches_;
  ExpressionPtr default_;  // may be null

 public:
  Switch(std::vector<Branch> branches, ExpressionPtr otherwise)
      : branches_(std::move(branches)), default_(std::move(otherwise)) {}
  Value evaluate(Evaluation& evaluation) const override {
    for (const Branch& branch : branches_) {
      if (branch.condition->evaluate(evaluation).truthy()) {
        return branch.then->evaluate(evaluation);
      }
    }
    if (default_) return default_->evaluate(evaluation);
    throw CommandError(40066,
                       "$switch could not find a matching branch for an input, and no "
                       "default was specified.");
  }
};

class Let final : public Expression {
  std::vector<std::pair<std::size_t, ExpressionPtr>> variables_;
  ExpressionPtr in_;

 public:
  Let(std::vector<std::pair<std::size_t, ExpressionPtr>> variables, ExpressionPtr in)
      : variables_(std::move(variables)), in_(std::move(in)) {}
  Value evaluate(Evaluation& evaluation) const override {
    for (const auto& [slot, expression] : variables_) {
      evaluation.slots[slot] = expression->evaluate(evaluation);
    }
    return in_->evaluate(evaluation);
  }
};

// The parts of what is evaluated up to the first that decides it; behind a constant that does,
// nothing is reached.
template <class Decides>
std::vector<ExpressionPtr> compile_until(Value spec, ExpressionScope& scope, Decides decides) {
  std::vector<ExpressionPtr> parts;
  std::optional<ExpressionScope::Unreachable> unreachable;
  const auto add = [&](Value part) {
    parts.push_back(compile_expression(part, scope));
    const Value* const known = parts.back()->constant();
    if (!unreachable && known != nullptr && decides(*known)) unreachable.emplace(scope);
  };
  if (spec.is_array()) {
    for (const Element& element : spec.as_document()) add(element.value);
  } else {
    add(spec);
  }
  return parts;
}

ExpressionPtr compile_and(std::string_view, Value spec, ExpressionScope& scope) {
  const auto decides = [](Value value) { return !value.truthy(); };
  return std::make_unique<AndOr>(true, compile_until(spec, scope, decides));
}

ExpressionPtr compile_or(std::string_view, Value spec, ExpressionScope& scope) {
  const auto decides = [](Value value) { return value.truthy(); };
  return std::make_unique<AndOr>(false, compile_until(spec, scope, decides));
}

ExpressionPtr compile_cond(std::string_view, Value spec, ExpressionScope& scope) {
  std::array<Value, 3> parts;
  if (spec.is_document()) {
    constexpr std::array<std::string_view, 3> kNames = {"if", "then", "else"};
    for (const Element& element : spec.as_document()) {
      const auto* name = std::ranges::find(kNames, element.key);
      if (name == kNames.end()) {
        throw CommandError(17083, "Unrecognized parameter to $cond: " + std::string(element.key));
      }
      parts[static_cast<std::size_t>(name - kNames.begin())] = element.value;
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!parts[i].is_missing()) continue;
      throw CommandError(17080 + static_cast<int>(i),
                         "Missing '" + std::string(kNames[i]) + "' parameter to $cond");
    }
  } else {
    const std::size_t count = spec.is_array() ? spec.as_document().count() : 1;
    if (count != parts.size()) {
      throw CommandError(16020, "Expression $cond takes exactly 3 arguments. " +
                                    std::to_string(count) + " were passed in.");
    }
    std::size_t next = 0;
    for (const Element& element : spec.as_document()) parts[next++] = element.value;
  }
  ExpressionPtr condition = compile_expression(parts[0], scope);
  const Value* const known = condition->constant();
  const auto branch = [&](Value part, bool taken) {
    std::optional<ExpressionScope::Unreachable> unreachable;
    if (known != nullptr && known->truthy() != taken) unreachable.emplace(scope);
    return compile_expression(part, scope);
  };
  ExpressionPtr then = branch(parts[1], true);
  ExpressionPtr otherwise = branch(parts[2], false);
  return std::make_unique<Cond>(std::move(condition), std::move(then), std::move(otherwise));
}

ExpressionPtr compile_if_null(std::string_view, Value spec, ExpressionScope& scope) {
  std::vector<ExpressionPtr> parts =
      compile_until(spec, scope, [](Value value) { return !is_nullish(value); });
  if (parts.size() < 2) {
    throw CommandError(
        1257300, "$ifNull needs at least two arguments, had: " + std::to_string(parts.size()));
  }
  return std::make_unique<IfNull>(std::move(parts));
}

Switch::Branch compile_branch(Value spec, ExpressionScope& scope) {
  if (!spec.is_document()) {
    throw CommandError(40062,
                       "$switch expected each branch to be an object, found: " + type_text(spec));
  }
  Switch::Branch branch;
  Value then;
  for (const Element& element : spec.as_document()) {
    if (element.key == "case") {
      branch.condition = compile_expression(element.value, scope);
    } else if (element.key == "then") {
      then = element.value;
    } else {
      throw CommandError(
          40063, "$switch found an unknown argument to a branch: " + std::string(element.key));
    }
  }
  if (!branch.condition) {
    throw CommandError(40064, "$switch requires each branch have a 'case' expression");
  }
  if (then.is_missing()) {
    throw CommandError(40065, "$switch requires each branch have a 'then' expression.");
  }
  std::optional<ExpressionScope::Unreachable> unreachable;
  const Value* const known = branch.condition->constant();
  if (known != nullptr && !known->truthy()) unreachable.emplace(scope);
  branch.then = compile_expression(then, scope);
  return branch;
}

ExpressionPtr compile_switch(std::string_view, Value spec, ExpressionScope& scope) {
  if (!spec.is_document()) {
    throw CommandError(40060,
                       "$switch requires an object as an argument, found: " + type_text(spec));
  }
  std::vector<Switch::Branch> branches;
  ExpressionPtr otherwise;
  for (const Element& element : spec.as_document()) {
    if (element.key == "branches") {
      if (!element.value.is_array()) {
        throw CommandError(
            40061, "$switch expected an array for 'branches', found: " + type_text(element.value));
      }
      for (const Element& branch : element.value.as_document()) {
        branches.push_back(compile_branch(branch.value, scope));
      }
    } else if (element.key == "default") {
      otherwise = compile_expression(element.value, scope);
    } else {
      throw CommandError(40067, "$switch found an unknown argument: " + std::string(element.key));
    }
  }
  if (branches.empty()) throw CommandError(40068, "$switch requires at least one branch.");
  return std::make_unique<Switch>(std::move(branches), std::move(otherwise));
}

constexpr std::array kLetArguments = {NamedArgument{"vars", true},
                                      NamedArgument{"in", true, 16877}};
constexpr NamedEntry kLet = {"$let", kLetArguments, nullptr, 16874, 16875, 16876};

ExpressionPtr compile_let(std::string_view, Value spec, ExpressionScope& scope) {
  const std::vector<Value> parts = named_specs(kLet, spec);
  if (!parts[0].is_document()) {
    throw CommandError(10065, "invalid parameter: expected an object (vars)");
  }
  // No variable sees the others of the same $let.
  std::vector<ExpressionPtr> values;
  for (const Element& element : parts[0].as_document()) {
    check_variable_name(element.key);
    values.push_back(compile_expression(element.value, scope));
  }
  std::vector<std::pair<std::size_t, ExpressionPtr>> variables;
  std::size_t next = 0;
  for (const Element& element : parts[0].as_document()) {
    variables.emplace_back(scope.push(element.key), std::move(values[next++]));
  }
  ExpressionPtr in = compile_expression(parts[1], scope);
  scope.pop(variables.size());
  return std::make_unique<Let>(std::move(variables), std::move(in));
}

ExpressionPtr compile_literal(std::string_view, Value spec, ExpressionScope&) {
  return make_constant(spec);
}

ExpressionPtr compile_meta(std::string_view, Value, ExpressionScope&) {
  throw CommandError(ErrorCode::kCommandNotSupported, "$meta is not supported");
}

constexpr std::array kSpecials = {
    SpecialEntry{"$and", compile_and},         SpecialEntry{"$or", compile_or},
    SpecialEntry{"$cond", compile_cond},       SpecialEntry{"$ifNull", compile_if_null},
    SpecialEntry{"$switch", compile_switch},   SpecialEntry{"$let", compile_let},
    SpecialEntry{"$literal", compile_literal}, SpecialEntry{"$const", compile_literal},
    SpecialEntry{"$meta", compile_meta},
};

}  // namespace

std::span<const SpecialEntry> control_specials() { return kSpecials; }

}  // namespace gesso::localdb
