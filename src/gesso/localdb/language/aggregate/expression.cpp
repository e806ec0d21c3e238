#include "gesso/localdb/language/aggregate/expression.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "gesso/base/meter.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

// What is kept of values that were computed in advance: a short text could ask for gigabytes.
constexpr std::size_t kMostFoldedBytes = 256;
// Larger literals are made anew for each document: they may stand in one another.
constexpr std::size_t kMostLiteralBytes = 4096;

class Constant final : public Expression {
  bson::OwnedValue owned_;
  Value value_;

 public:
  explicit Constant(Value value) : owned_(value), value_(owned_.view()) {}
  Value evaluate(Evaluation& /*evaluation*/) const override { return value_; }
  const Value* constant() const noexcept override { return &value_; }
};

class Removed final : public Expression {
 public:
  Value evaluate(Evaluation& /*evaluation*/) const override { return {}; }
};

class Root final : public Expression {
 public:
  Value evaluate(Evaluation& evaluation) const override {
    return {Type::kDocument, evaluation.root.data()};
  }
};

class Now final : public Expression {
 public:
  Value evaluate(Evaluation& evaluation) const override {
    return evaluation.arena.date(evaluation.now.time_since_epoch().count());
  }
};

class Variable final : public Expression {
  std::size_t slot_;

 public:
  explicit Variable(std::size_t slot) : slot_(slot) {}
  Value evaluate(Evaluation& evaluation) const override { return evaluation.slots[slot_]; }
};

// Follows a path from a value; each array on the way becomes the array of what its documents have.
class PathOf final : public Expression {
  ExpressionPtr start_;  // null: the document
  FieldPath path_;

 public:
  PathOf(ExpressionPtr start, std::string_view path) : start_(std::move(start)), path_(path) {
    check_field_path(path);
  }

  Value evaluate(Evaluation& evaluation) const override {
    const Value start =
        start_ ? start_->evaluate(evaluation) : Value(Type::kDocument, evaluation.root.data());
    return follow(start, 0, evaluation.arena);
  }

 private:
  Value follow(Value value, std::size_t depth, Arena& arena) const {
    for (; depth < path_.size(); ++depth) {
      if (value.is_array()) return map(value.as_document(), depth, arena);
      if (!value.is_document()) return {};
      value = value.as_document()[path_[depth]];
    }
    return value;
  }

  Value map(View array, std::size_t depth, Arena& arena) const {
    bson::Builder result;
    for (const Element& element : array) {
      const Value found = follow(element.value, depth, arena);
      if (!found.is_missing()) result.push(found);
    }
    return arena.array(std::move(result));
  }
};

class ObjectLiteral final : public Expression {
  std::vector<std::pair<std::string, ExpressionPtr>> fields_;

 public:
  ObjectLiteral(View spec, ExpressionScope& scope) {
    std::unordered_set<std::string_view> names;
    for (const Element& element : spec) {
      if (element.key.empty()) {
        throw CommandError(15998, "FieldPath field names may not be empty strings.");
      }
      if (element.key.starts_with('$')) {
        throw CommandError(16410,
                           "FieldPath field names may not start with '$'. Consider using "
                           "$getField or $setField.");
      }
      if (element.key.find('.') != std::string_view::npos) {
        throw CommandError(16412, "FieldPath field names may not contain '.'.");
      }
      if (!names.insert(element.key).second) {
        throw CommandError(
            16406, "duplicate field name specified in object literal: " + std::string(element.key));
      }
      fields_.emplace_back(element.key, compile_expression(element.value, scope));
    }
  }

  // And small enough to be kept.
  [[nodiscard]] bool is_constant() const {
    std::size_t bytes = 0;
    return std::ranges::all_of(fields_, [&bytes](const auto& field) {
      const Value* const value = field.second->constant();
      if (value != nullptr) bytes += field.first.size() + value->raw().size();
      return value != nullptr && bytes <= kMostLiteralBytes;
    });
  }

  Value evaluate(Evaluation& evaluation) const override {
    bson::Builder result;
    for (const auto& [name, expression] : fields_) {
      charge(Meter::kStep);
      result.append(name, expression->evaluate(evaluation));
    }
    return evaluation.arena.document(result.finish());
  }
};

class ArrayLiteral final : public Expression {
  std::vector<ExpressionPtr> elements_;

 public:
  ArrayLiteral(View spec, ExpressionScope& scope) {
    for (const Element& element : spec) {
      elements_.push_back(compile_expression(element.value, scope));
    }
  }

  [[nodiscard]] bool is_constant() const {
    std::size_t bytes = 0;
    return std::ranges::all_of(elements_, [&bytes](const ExpressionPtr& element) {
      const Value* const value = element->constant();
      if (value != nullptr) bytes += value->raw().size();
      return value != nullptr && bytes <= kMostLiteralBytes;
    });
  }

  Value evaluate(Evaluation& evaluation) const override {
    bson::Builder result;
    for (const ExpressionPtr& element : elements_) {
      charge(Meter::kStep);
      const Value value = element->evaluate(evaluation);
      result.push(value.is_missing() ? Arena::null() : value);
    }
    return evaluation.arena.array(std::move(result));
  }
};

// The value of an expression that needs no document.
ExpressionPtr folded(const Expression& expression) {
  Arena arena;
  const ExpressionScope no_variables;
  Evaluation evaluation({}, arena, no_variables);
  return std::make_unique<Constant>(expression.evaluate(evaluation));
}

// A named argument that is there: an absent field is null to it, so that functions can tell it from
// an argument that is left out.
class GivenArgument final : public Expression {
  ExpressionPtr expression_;

 public:
  explicit GivenArgument(ExpressionPtr expression) : expression_(std::move(expression)) {}
  Value evaluate(Evaluation& evaluation) const override {
    const Value value = expression_->evaluate(evaluation);
    return value.is_missing() ? Arena::null() : value;
  }
  const Value* constant() const noexcept override { return expression_->constant(); }
};

class Call final : public Expression {
  Function function_;
  std::vector<ExpressionPtr> arguments_;

 public:
  Call(Function function, std::vector<ExpressionPtr> arguments)
      : function_(function), arguments_(std::move(arguments)) {}

  Value evaluate(Evaluation& evaluation) const override {
    constexpr std::size_t kFew = 4;
    if (arguments_.size() <= kFew) {
      std::array<Value, kFew> values;
      return call(evaluation, values);
    }
    std::vector<Value> values(arguments_.size());
    return call(evaluation, values);
  }

 private:
  Value call(Evaluation& evaluation, std::span<Value> values) const {
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      if (!arguments_[i]) continue;
      values[i] = arguments_[i]->evaluate(evaluation);
      charge(Meter::kStep + values[i].raw().size());
    }
    return function_(evaluation, values.first(arguments_.size()));
  }
};

// System variables have capitals.
void check_readable_name(std::string_view name) {
  if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') return;
  check_variable_name(name);
}

ExpressionPtr compile_string(Value spec, ExpressionScope& scope) {
  const std::string_view text = spec.as_string();
  if (!text.starts_with('$')) return std::make_unique<Constant>(spec);
  if (text == "$") throw CommandError(16872, "'$' by itself is not a valid FieldPath");
  if (!text.starts_with("$$")) return std::make_unique<PathOf>(nullptr, text.substr(1));
  const std::size_t dot = text.find('.');
  const std::string_view name = text.substr(2, dot == std::string_view::npos ? dot : dot - 2);
  check_readable_name(name);
  ExpressionPtr start;
  if (name == "ROOT" || name == "CURRENT") {
    start = std::make_unique<Root>();
  } else if (name == "REMOVE") {
    start = std::make_unique<Removed>();
  } else if (name == "NOW") {
    start = std::make_unique<Now>();
  } else if (name == "CLUSTER_TIME") {
    throw CommandError(51144, "Builtin variable '$$CLUSTER_TIME' is not available");
  } else {
    start = std::make_unique<Variable>(scope.find(name));
  }
  if (dot == std::string_view::npos) return start;
  return std::make_unique<PathOf>(std::move(start), text.substr(dot + 1));
}

template <class Entry>
const Entry* find_in(std::span<const Entry> table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Entry::name);
  return found == table.end() ? nullptr : &*found;
}

const FunctionEntry* find_function(std::string_view name) {
  for (const auto& table :
       {arithmetic_functions(), math_functions(), comparison_functions(), string_functions(),
        array_functions(), set_functions(), object_functions(), conversion_functions()}) {
    if (const FunctionEntry* entry = find_in(table, name)) return entry;
  }
  return nullptr;
}

const NamedEntry* find_named(std::string_view name) {
  for (const auto& table : {string_named(), array_named(), date_named()}) {
    if (const NamedEntry* entry = find_in(table, name)) return entry;
  }
  return nullptr;
}

const SpecialEntry* find_special(std::string_view name) {
  for (const auto& table :
       {control_specials(), array_specials(), object_specials(), conversion_specials(),
        regex_specials(), date_part_specials(), accumulator_specials()}) {
    if (const SpecialEntry* entry = find_in(table, name)) return entry;
  }
  return nullptr;
}

void check_count(const FunctionEntry& entry, std::size_t count) {
  if (count >= entry.least && count <= entry.most) return;
  const std::string name(entry.name);
  if (entry.count_code != 0) {
    throw CommandError(entry.count_code, name + " needs at least " + std::to_string(entry.least) +
                                             " arguments, had: " + std::to_string(count));
  }
  if (entry.least == entry.most) {
    throw CommandError(16020, "Expression " + name + " takes exactly " +
                                  std::to_string(entry.least) + " arguments. " +
                                  std::to_string(count) + " were passed in.");
  }
  throw CommandError(
      28667, "Expression " + name + " takes at least " + std::to_string(entry.least) +
                 " arguments" +
                 (entry.most == kAnyNumber ? std::string()
                                           : ", and at most " + std::to_string(entry.most)) +
                 ", but " + std::to_string(count) + " were passed in.");
}

ExpressionPtr compile_named(const NamedEntry& entry, Value spec, ExpressionScope& scope) {
  const std::vector<Value> specs = named_specs(entry, spec);
  if (entry.check != nullptr) entry.check(specs);
  std::vector<ExpressionPtr> arguments;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].is_missing()) {
      arguments.push_back(nullptr);
    } else if (entry.arguments[i].is_literal) {
      arguments.push_back(make_constant(specs[i]));
    } else {
      arguments.push_back(std::make_unique<GivenArgument>(compile_expression(specs[i], scope)));
    }
  }
  return make_function(entry.function, std::move(arguments), scope);
}

ExpressionPtr compile_operator(std::string_view name, Value spec, ExpressionScope& scope) {
  if (const FunctionEntry* entry = find_function(name)) {
    std::vector<ExpressionPtr> arguments = compile_arguments(spec, scope);
    check_count(*entry, arguments.size());
    return make_function(entry->function, std::move(arguments), scope);
  }
  if (const NamedEntry* entry = find_named(name)) return compile_named(*entry, spec, scope);
  if (const SpecialEntry* entry = find_special(name)) return entry->compile(name, spec, scope);
  throw CommandError(168, "Unrecognized expression '" + std::string(name) + "'");
}

ExpressionPtr compile_document(View spec, ExpressionScope& scope) {
  if (spec.empty() || !spec.begin()->key.starts_with('$')) {
    auto literal = std::make_unique<ObjectLiteral>(spec, scope);
    if (literal->is_constant()) return folded(*literal);
    return literal;
  }
  if (const std::size_t count = spec.count(); count != 1) {
    throw CommandError(15983, "an object representing an expression must have exactly one field: " +
                                  value_text(spec));
  }
  const Element operation = *spec.begin();
  return compile_operator(operation.key, operation.value, scope);
}

}  // namespace

ExpressionScope::ExpressionScope(const Variables& variables) : now_(variables.now) {
  for (const Element& element : variables.let.view()) {
    push(element.key);
    constants_.emplace_back(element.value);
  }
}

std::size_t ExpressionScope::push(std::string_view name) {
  visible_.push_back({.name = std::string(name), .slot = slots_});
  return slots_++;
}

void ExpressionScope::pop(std::size_t count) { visible_.resize(visible_.size() - count); }

std::size_t ExpressionScope::find(std::string_view name) const {
  const auto found = std::find_if(visible_.rbegin(), visible_.rend(),
                                  [name](const Name& entry) { return entry.name == name; });
  if (found == visible_.rend()) {
    throw CommandError(17276, "Use of undefined variable: " + std::string(name));
  }
  return found->slot;
}

Evaluation::Evaluation(View document, Arena& memory, const ExpressionScope& scope)
    : root(document), arena(memory), slots(scope.slots()), now(scope.now()) {
  for (std::size_t i = 0; i < scope.constants().size(); ++i) {
    slots[i] = scope.constants()[i].view();
  }
}

ExpressionPtr make_constant(Value value) { return std::make_unique<Constant>(value); }

ExpressionPtr make_function(Function function, std::vector<ExpressionPtr> arguments,
                            const ExpressionScope& scope) {
  const auto is_constant = [](const ExpressionPtr& argument) {
    return !argument || argument->constant() != nullptr;
  };
  const bool folds = scope.is_reachable() && std::ranges::all_of(arguments, is_constant);
  auto call = std::make_unique<Call>(function, std::move(arguments));
  if (!folds) return call;
  ExpressionPtr result = folded(*call);
  const Value value = *result->constant();
  if (value.is_missing() || value.raw().size() > kMostFoldedBytes) return call;
  return result;
}

std::vector<ExpressionPtr> compile_arguments(Value spec, ExpressionScope& scope) {
  std::vector<ExpressionPtr> arguments;
  if (spec.is_array()) {
    for (const Element& element : spec.as_document()) {
      arguments.push_back(compile_expression(element.value, scope));
    }
  } else {
    arguments.push_back(compile_expression(spec, scope));
  }
  return arguments;
}

std::vector<Value> named_specs(const NamedEntry& shape, Value spec) {
  const std::string name(shape.name);
  if (!spec.is_document()) {
    throw CommandError(shape.not_object_code,
                       name + " only supports an object as its argument, found " + type_text(spec));
  }
  std::vector<Value> specs(shape.arguments.size());
  for (const Element& element : spec.as_document()) {
    const auto found = std::ranges::find(shape.arguments, element.key, &NamedArgument::name);
    if (found == shape.arguments.end()) {
      throw CommandError(shape.unknown_code,
                         "Unrecognized argument to " + name + ": " + std::string(element.key));
    }
    specs[static_cast<std::size_t>(found - shape.arguments.begin())] = element.value;
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (!shape.arguments[i].required || !specs[i].is_missing()) continue;
    const int own_code = shape.arguments[i].missing_code;
    throw CommandError(
        own_code != 0 ? own_code : shape.missing_code,
        "Missing '" + std::string(shape.arguments[i].name) + "' parameter to " + name);
  }
  return specs;
}

void check_variable_name(std::string_view name) {
  if (name == "CURRENT") return;
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  if (name.empty()) {
    throw CommandError(ErrorCode::kFailedToParse, "empty variable names are not allowed");
  }
  if ((name[0] < 'a' || name[0] > 'z') && static_cast<unsigned char>(name[0]) < 0x80) {
    throw CommandError(
        ErrorCode::kFailedToParse,
        "'" + std::string(name) + "' starts with an invalid character for a user variable name");
  }
  if (!std::ranges::all_of(name, legal)) {
    throw CommandError(
        ErrorCode::kFailedToParse,
        "'" + std::string(name) + "' contains an invalid character for a variable name");
  }
}

std::string type_text(Value value) { return std::string(bson::type_name(value.type())); }

ExpressionPtr compile_expression(Value spec, ExpressionScope& scope) {
  switch (spec.type()) {
    case Type::kString:
      return compile_string(spec, scope);
    case Type::kDocument:
      return compile_document(spec.as_document(), scope);
    case Type::kArray: {
      auto literal = std::make_unique<ArrayLiteral>(spec.as_document(), scope);
      if (literal->is_constant()) return folded(*literal);
      return literal;
    }
    default:
      return make_constant(spec);
  }
}

}  // namespace gesso::localdb
