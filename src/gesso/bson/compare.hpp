// The order of BSON values: one total order over all types, as indexes and sorts use it.
// https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
#pragma once

#include "gesso/bson/view.hpp"

namespace gesso::bson {

// The place of a type among the others; types that compare with each other share one (all
// numbers; string and symbol). MinKey is lowest, then undefined, then null and missing, ...
[[nodiscard]] int type_order(Type type) noexcept;

// Negative, zero or positive. Numbers by their mathematical value across their four types, NaN
// equal to itself and below all others; missing equals null; documents element by element: type,
// then name, then value, then length.
[[nodiscard]] int compare(Value left, Value right) noexcept;
[[nodiscard]] int compare(View left, View right) noexcept;

[[nodiscard]] inline bool equal(Value left, Value right) noexcept {
  return compare(left, right) == 0;
}

// Two numbers, of any number types.
[[nodiscard]] int compare_numbers(Value left, Value right) noexcept;

}  // namespace gesso::bson
