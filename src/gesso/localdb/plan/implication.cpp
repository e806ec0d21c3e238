#include "gesso/localdb/plan/implication.hpp"

#include <algorithm>
#include <cmath>

#include "gesso/bson/compare.hpp"

namespace gesso::localdb {
namespace {

using bson::Type;
using bson::Value;

bool is_range(PredicateOp op) {
  return op == PredicateOp::kLt || op == PredicateOp::kLte || op == PredicateOp::kGt ||
         op == PredicateOp::kGte;
}

// Whether `test(value)` holds for every value that an equality or `$in` allows.
template <class Test>
bool every_value(const Predicate& predicate, Test test) {
  if (predicate.op == PredicateOp::kEq) return test(predicate.operand);
  if (predicate.op != PredicateOp::kIn) return false;
  const bson::View values = predicate.operand.as_document();
  return std::all_of(values.begin(), values.end(),
                     [&](const bson::Element& element) { return test(element.value); });
}

bool is_scalar(Value value) {
  return !value.is_null() && !value.is_array() && !value.is(Type::kUndefined) &&
         !value.is(Type::kRegex);
}

bool implies_exists(const Predicate& predicate) {
  if (predicate.op == PredicateOp::kExists) return true;
  if (is_range(predicate.op)) return !predicate.operand.is_null();
  return every_value(predicate, [](Value value) { return !value.is_null(); });
}

bool satisfies(Value value, std::string_view op, Value wanted) {
  if (!is_scalar(value) || bson::type_order(value.type()) != bson::type_order(wanted.type())) {
    return false;
  }
  const int order = bson::compare(value, wanted);
  if (op == "$gt") return order > 0;
  if (op == "$gte") return order >= 0;
  if (op == "$lt") return order < 0;
  return order <= 0;
}

// {a: {$gt: 5}} asked by {a: 7}, {a: {$gte: 6}}, {a: {$in: [6, 7]}}.
bool implies_order(const Predicate& predicate, std::string_view op, Value wanted) {
  if (wanted.is_number() && std::isnan(wanted.number())) return false;
  if (!is_range(predicate.op)) {
    return every_value(predicate, [&](Value value) { return satisfies(value, op, wanted); });
  }
  const bool upward = op == "$gt" || op == "$gte";
  const bool predicate_upward =
      predicate.op == PredicateOp::kGt || predicate.op == PredicateOp::kGte;
  if (upward != predicate_upward) return false;
  const bool predicate_strict =
      predicate.op == PredicateOp::kGt || predicate.op == PredicateOp::kLt;
  // A strict condition on the same value is enough for a strict one.
  return satisfies(predicate.operand, predicate_strict ? (upward ? "$gte" : "$lte") : op, wanted);
}

// Types that a comparison with a value of this type can find, as `$type` names them.
bool is_named(Type type, Value name) {
  if (name.is_array()) {
    const bson::View names = name.as_document();
    return std::any_of(names.begin(), names.end(),
                       [&](const bson::Element& element) { return is_named(type, element.value); });
  }
  switch (type) {
    case Type::kInt32:
    case Type::kInt64:
    case Type::kDouble:
    case Type::kDecimal128:
      return name.is_string() && name.as_string() == "number";
    case Type::kString:
    case Type::kDocument:
    case Type::kObjectId:
    case Type::kBool:
    case Type::kDate:
    case Type::kTimestamp:
    case Type::kBinary:
      if (name.is_string()) return name.as_string() == bson::type_name(type);
      return name.integer() == static_cast<std::int64_t>(type);
    default:
      return false;
  }
}

bool implies_type(const Predicate& predicate, Value wanted) {
  const auto named = [&](Value value) { return is_named(value.type(), wanted); };
  return is_range(predicate.op) ? named(predicate.operand) : every_value(predicate, named);
}

bool implies(const Predicate& predicate, std::string_view op, Value wanted) {
  if (op == "$exists") return wanted.truthy() && implies_exists(predicate);
  if (op == "$type") return implies_type(predicate, wanted);
  if (op == "$eq") {
    return every_value(predicate, [&](Value value) { return bson::equal(value, wanted); });
  }
  if (op == "$in") {
    const bson::View values = wanted.as_document();
    return every_value(predicate, [&](Value value) {
      return std::any_of(values.begin(), values.end(), [&](const bson::Element& element) {
        return bson::equal(value, element.value);
      });
    });
  }
  return implies_order(predicate, op, wanted);
}

bool any_implies(const std::vector<Predicate>& predicates, std::string_view path,
                 std::string_view op, Value wanted) {
  return std::any_of(predicates.begin(), predicates.end(), [&](const Predicate& predicate) {
    return predicate.path == path && implies(predicate, op, wanted);
  });
}

// `filter` is one that IndexSpec::parse let through.
bool implies_filter(const std::vector<Predicate>& predicates, bson::View filter) {
  for (const bson::Element& element : filter) {
    if (element.key == "$and" || element.key == "$or") {
      const bson::View branches = element.value.as_document();
      const auto implied = [&](const bson::Element& branch) {
        return implies_filter(predicates, branch.value.as_document());
      };
      const bool holds = element.key == "$and"
                             ? std::all_of(branches.begin(), branches.end(), implied)
                             : std::any_of(branches.begin(), branches.end(), implied);
      if (!holds) return false;
      continue;
    }
    const bool has_operators = element.value.is_document() &&
                               !element.value.as_document().empty() &&
                               element.value.as_document().begin()->key.starts_with('$');
    if (!has_operators) {
      if (!any_implies(predicates, element.key, "$eq", element.value)) return false;
      continue;
    }
    for (const bson::Element& condition : element.value.as_document()) {
      if (!any_implies(predicates, element.key, condition.key, condition.value)) return false;
    }
  }
  return true;
}

}  // namespace

bool holds_all_that_match(const IndexSpec& spec, const std::vector<Predicate>& predicates) {
  if (spec.partial_filter && !implies_filter(predicates, spec.partial_filter->view())) return false;
  if (!spec.sparse) return true;
  return std::any_of(predicates.begin(), predicates.end(), [&](const Predicate& predicate) {
    return implies_exists(predicate) &&
           std::any_of(spec.fields.begin(), spec.fields.end(),
                       [&](const IndexField& field) { return field.path == predicate.path; });
  });
}

}  // namespace gesso::localdb
