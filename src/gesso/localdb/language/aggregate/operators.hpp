// The operators of the expression language, by family; each family is a table in a file of its own.
// Internal to the compiler of expressions.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "gesso/localdb/language/aggregate/expression.hpp"
#include "gesso/localdb/language/aggregate/value_order.hpp"

namespace gesso::localdb {

using Arguments = std::span<const bson::Value>;
// Arguments are evaluated; those of absent fields are missing.
using Function = bson::Value (*)(Evaluation& evaluation, Arguments arguments);

constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

// {$op: [a, b]}, or {$op: a} for one argument.
struct FunctionEntry {
  std::string_view name;
  std::size_t least;
  std::size_t most;
  Function function;
  int count_code = 0;  // of the error for a wrong number; 0 for the usual one
};

// {$op: {input: a, to: b}}; arguments in the order of the names, absent ones missing.
struct NamedArgument {
  std::string_view name;
  bool required;
  int missing_code = 0;     // 0 for that of the operator
  bool is_literal = false;  // taken as it stands, not as an expression
};
struct NamedEntry {
  std::string_view name;
  std::span<const NamedArgument> arguments;
  Function function;
  int not_object_code;  // of the errors for a wrong shape
  int unknown_code;
  int missing_code;
  // What is looked at before anything is compiled; may be null. Throws CommandError.
  void (*check)(std::span<const bson::Value> specs) = nullptr;
};

// Operators that decide themselves what to evaluate, and when.
struct SpecialEntry {
  std::string_view name;
  ExpressionPtr (*compile)(std::string_view name, bson::Value spec, ExpressionScope& scope);
};

[[nodiscard]] std::span<const FunctionEntry> arithmetic_functions();
[[nodiscard]] std::span<const FunctionEntry> math_functions();
[[nodiscard]] std::span<const FunctionEntry> comparison_functions();
[[nodiscard]] std::span<const FunctionEntry> string_functions();
[[nodiscard]] std::span<const NamedEntry> string_named();
[[nodiscard]] std::span<const SpecialEntry> regex_specials();
[[nodiscard]] std::span<const FunctionEntry> array_functions();
[[nodiscard]] std::span<const NamedEntry> array_named();
[[nodiscard]] std::span<const SpecialEntry> array_specials();
[[nodiscard]] std::span<const FunctionEntry> set_functions();
[[nodiscard]] std::span<const FunctionEntry> object_functions();
[[nodiscard]] std::span<const SpecialEntry> object_specials();
[[nodiscard]] std::span<const FunctionEntry> conversion_functions();
[[nodiscard]] std::span<const SpecialEntry> conversion_specials();
[[nodiscard]] std::span<const SpecialEntry> date_part_specials();
[[nodiscard]] std::span<const NamedEntry> date_named();
[[nodiscard]] std::span<const SpecialEntry> control_specials();
[[nodiscard]] std::span<const SpecialEntry> accumulator_specials();

// What `{$op: ...}` holds, compiled: its arguments in a list.
[[nodiscard]] std::vector<ExpressionPtr> compile_arguments(bson::Value spec,
                                                           ExpressionScope& scope);
[[nodiscard]] ExpressionPtr make_constant(bson::Value value);
// Calls it at once, as MongoDB does, where all arguments are constants: what the function throws
// for them is refused before there is a document. A large value is not kept.
[[nodiscard]] ExpressionPtr make_function(Function function, std::vector<ExpressionPtr> arguments,
                                          const ExpressionScope& scope);

// Checks the names of `spec` against `arguments` and gives their values, absent ones missing.
[[nodiscard]] std::vector<bson::Value> named_specs(const NamedEntry& shape, bson::Value spec);

// "string", "missing", ... for messages.
[[nodiscard]] std::string type_text(bson::Value value);

}  // namespace gesso::localdb
