// The expression language of aggregation, `$expr`, computed projections and pipeline updates.
//
//   ExpressionScope scope;
//   ExpressionPtr total = compile_expression(spec, scope);
//   Arena arena;
//   Evaluation evaluation(document, arena, scope);
//   bson::Value value = total->evaluate(evaluation);
//
// Compiled trees own their constants and are immutable, hence thread-safe; an Evaluation belongs to
// one thread. https://www.mongodb.com/docs/manual/reference/operator/aggregation/
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/aggregate/arena.hpp"
#include "gesso/localdb/language/match/matcher.hpp"

namespace gesso::localdb {

// Names that expressions may use, and the slots that hold their values at run time.
class ExpressionScope {
  struct Name {
    std::string name;
    std::size_t slot;
  };
  std::vector<Name> visible_;
  std::vector<bson::OwnedValue> constants_;  // by slot: the command's `let`; missing for others
  std::size_t slots_ = 0;
  int unreachable_ = 0;
  Time now_{};

 public:
  ExpressionScope() = default;
  // With the variables of a command.
  explicit ExpressionScope(const Variables& variables);

  // Makes a variable visible and returns its slot; `pop` hides the last `count` again.
  std::size_t push(std::string_view name);
  void pop(std::size_t count);
  // Throws CommandError (17276) for an unknown name.
  [[nodiscard]] std::size_t find(std::string_view name) const;

  // While one lives, what is compiled is never evaluated: a branch not taken. What its functions
  // would throw for constants is no error then.
  class Unreachable {
    ExpressionScope& scope_;

   public:
    explicit Unreachable(ExpressionScope& scope) : scope_(scope) { ++scope_.unreachable_; }
    Unreachable(const Unreachable&) = delete;
    Unreachable& operator=(const Unreachable&) = delete;
    ~Unreachable() { --scope_.unreachable_; }
  };
  [[nodiscard]] bool is_reachable() const noexcept { return unreachable_ == 0; }

  [[nodiscard]] std::size_t slots() const noexcept { return slots_; }
  [[nodiscard]] const std::vector<bson::OwnedValue>& constants() const noexcept {
    return constants_;
  }
  [[nodiscard]] Time now() const noexcept { return now_; }
};

// One run over one document.
struct Evaluation {
  bson::View root;
  Arena& arena;
  std::vector<bson::Value> slots;
  Time now;

  // Borrows the scope's constants.
  Evaluation(bson::View document, Arena& memory, const ExpressionScope& scope);
};

class Expression {
 public:
  Expression() = default;
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;
  virtual ~Expression() = default;

  // The value, borrowed from the document, the expression or the arena; a missing one where a field
  // is absent. Throws CommandError with the operator's code.
  [[nodiscard]] virtual bson::Value evaluate(Evaluation& evaluation) const = 0;
  // The value where it does not depend on the document; null otherwise.
  [[nodiscard]] virtual const bson::Value* constant() const noexcept { return nullptr; }
};

using ExpressionPtr = std::unique_ptr<const Expression>;

// A variable of $let and its kin, or of a command's `let`, begins with a small letter. Throws
// CommandError (9).
void check_variable_name(std::string_view name);

// Throws CommandError: 168 for an unknown operator, 16020 for a wrong number of arguments, ...
[[nodiscard]] ExpressionPtr compile_expression(bson::Value spec, ExpressionScope& scope);

}  // namespace gesso::localdb
