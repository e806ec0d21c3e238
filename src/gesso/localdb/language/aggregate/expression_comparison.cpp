// $cmp, $eq, ... and $not.
#include <array>

#include "gesso/localdb/language/aggregate/operators.hpp"

namespace gesso::localdb {
namespace {

using bson::Value;

template <class Holds>
Value compared(Arguments arguments, Holds holds) {
  return Arena::boolean(holds(compare_values(arguments[0], arguments[1])));
}

Value cmp(Evaluation& evaluation, Arguments arguments) {
  const int order = compare_values(arguments[0], arguments[1]);
  return evaluation.arena.int32(order < 0 ? -1 : static_cast<int>(order > 0));
}
Value eq(Evaluation&, Arguments a) {
  return compared(a, [](int order) { return order == 0; });
}
Value ne(Evaluation&, Arguments a) {
  return compared(a, [](int order) { return order != 0; });
}
Value gt(Evaluation&, Arguments a) {
  return compared(a, [](int order) { return order > 0; });
}
Value gte(Evaluation&, Arguments a) {
  return compared(a, [](int order) { return order >= 0; });
}
Value lt(Evaluation&, Arguments a) {
  return compared(a, [](int order) { return order < 0; });
}
Value lte(Evaluation&, Arguments a) {
  return compared(a, [](int order) { return order <= 0; });
}
Value not_(Evaluation&, Arguments a) { return Arena::boolean(!a[0].truthy()); }

constexpr std::array kFunctions = {
    FunctionEntry{"$cmp", 2, 2, cmp}, FunctionEntry{"$eq", 2, 2, eq},
    FunctionEntry{"$ne", 2, 2, ne},   FunctionEntry{"$gt", 2, 2, gt},
    FunctionEntry{"$gte", 2, 2, gte}, FunctionEntry{"$lt", 2, 2, lt},
    FunctionEntry{"$lte", 2, 2, lte}, FunctionEntry{"$not", 1, 1, not_},
};

}  // namespace

std::span<const FunctionEntry> comparison_functions() { return kFunctions; }

}  // namespace gesso::localdb
