// Accumulators: what `$group` computes over many documents, and some of it over the elements of one
// array. https://www.mongodb.com/docs/manual/reference/operator/aggregation/group/
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/aggregate/expression.hpp"

namespace gesso::localdb {

// The state of one accumulation. Belongs to one thread.
class Accumulator {
 public:
  Accumulator() = default;
  Accumulator(const Accumulator&) = delete;
  Accumulator& operator=(const Accumulator&) = delete;
  virtual ~Accumulator() = default;

  // `value` is borrowed for the call; missing where a field is absent.
  virtual void add(bson::Value value) = 0;
  [[nodiscard]] virtual bson::Value result(Arena& arena) const = 0;
  // Bytes held beside the object itself.
  [[nodiscard]] virtual std::size_t memory() const { return 0; }
};

using AccumulatorPtr = std::unique_ptr<Accumulator>;

// `{$sum: expression}` compiled: what to evaluate for each document, and where to put it.
struct AccumulatorPlan {
  ExpressionPtr input;
  std::function<AccumulatorPtr()> make;
};

[[nodiscard]] bool is_accumulator(std::string_view name);
// Throws CommandError: 15952 for an unknown one.
[[nodiscard]] AccumulatorPlan compile_accumulator(std::string_view name, bson::Value spec,
                                                  ExpressionScope& scope);

// Of accumulators_ordered.cpp: $firstN, $lastN, $minN, $maxN, $top, $topN, $bottom, $bottomN.
[[nodiscard]] AccumulatorPlan compile_ordered_accumulator(std::string_view name, bson::Value spec,
                                                          ExpressionScope& scope);

}  // namespace gesso::localdb
