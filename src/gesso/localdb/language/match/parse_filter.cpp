// A whole filter: fields, logical operators, and what stands at the top level only.
#include <algorithm>
#include <array>

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/leaf_tests.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

[[noreturn]] void fail(const std::string& message) {
  throw CommandError(ErrorCode::kBadValue, message);
}

constexpr std::array<std::string_view, 6> kUnsupported = {"$jsonSchema", "$where",   "$text",
                                                          "$sampleRate", "$geoNear", "$near"};

class FilterParser {
  const FilterPlace place_;
  const Variables& variables_;
  ParsedFilter& parsed_;

 public:
  FilterParser(FilterPlace place, const Variables& variables, ParsedFilter& parsed)
      : place_(place), variables_(variables), parsed_(parsed) {}

  void parse(View filter) {
    for (const Element& element : filter) {
      if (element.key.starts_with('$')) {
        top_level_operator(element.key, element.value);
      } else {
        field(element.key, element.value);
      }
    }
  }

 private:
  // No part of the conjunction that a planner reads.
  void add_opaque(MatchNodePtr node) {
    parsed_.nodes.push_back(std::move(node));
    parsed_.exact = false;
  }

  void top_level_operator(std::string_view name, Value operand) {
    if (name == "$and") return and_(operand);
    if (name == "$or") return or_(operand);
    if (name == "$nor") return nor(operand);
    if (name == "$comment") return;
    if (name == "$expr") return expression(operand);
    // Drivers spell "nothing" and "everything" so.
    if (name == "$alwaysFalse") return add_opaque(make_node(FieldPath("_id"), never()));
    if (name == "$alwaysTrue") return;
    if (std::ranges::find(kUnsupported, name) != kUnsupported.end()) {
      throw CommandError(ErrorCode::kCommandNotSupported,
                         std::string(name) + " is not supported in a filter");
    }
    fail("unknown top level operator: " + std::string(name) +
         ". If you have a field name that starts with a '$' symbol, consider using $getField or "
         "$setField.");
  }

  static Term never() {
    Term term;
    term.test = make_never();
    return term;
  }

  void expression(Value operand) {
    if (place_ != FilterPlace::kTop) fail("$expr can only be applied to the top-level document");
    add_opaque(make_expression_node(operand, variables_));
  }

  static View clauses(std::string_view name, Value operand) {
    if (!operand.is_array()) fail(std::string(name) + " argument must be an array");
    const View list = operand.as_document();
    if (list.empty()) fail("$and/$or/$nor must be a nonempty array");
    for (const Element& element : list) {
      if (!element.value.is_document()) {
        fail("$or/$and/$nor entries need to be full objects");
      }
    }
    return list;
  }

  void and_(Value operand) {
    for (const Element& clause : clauses("$and", operand)) parse(clause.value.as_document());
  }

  void or_(Value operand) {
    const View list = clauses("$or", operand);
    if (list.count() == 1) return parse(list.begin()->value.as_document());
    auto node = std::make_unique<OrNode>(branches(list));
    if (parsed_.first_or == nullptr) parsed_.first_or = node.get();
    add_opaque(std::move(node));
  }

  void nor(Value operand) {
    add_opaque(
        std::make_unique<NotNode>(std::make_unique<OrNode>(branches(clauses("$nor", operand)))));
  }

  std::vector<Matcher> branches(View list) {
    std::vector<Matcher> matchers;
    for (const Element& clause : list) {
      matchers.push_back(Matcher::compile(clause.value.as_document(), variables_, place_));
    }
    return matchers;
  }

  void field(std::string_view name, Value value) {
    std::vector<Term> terms;
    if (value.is_document() && is_operator_document(value.as_document())) {
      parse_operators(name, value.as_document(), variables_, terms);
    } else if (value.is(Type::kRegex)) {
      Term term;
      term.test = make_regex(value.as_regex().pattern, value.as_regex().options);
      terms.push_back(std::move(term));
    } else {
      Term term;
      term.test = make_comparison(PredicateOp::kEq, value);
      term.op = PredicateOp::kEq;
      term.operand = value;
      terms.push_back(std::move(term));
    }
    const FieldPath path(name);
    for (Term& term : terms) {
      if (term.op == PredicateOp::kOther) parsed_.exact = false;
      parsed_.predicates.push_back({.path = path.dotted(), .op = term.op, .operand = term.operand});
      parsed_.nodes.push_back(make_node(path, std::move(term)));
    }
  }
};

}  // namespace

void parse_filter(View filter, FilterPlace place, const Variables& variables,
                  ParsedFilter& parsed) {
  FilterParser(place, variables, parsed).parse(filter);
}

}  // namespace gesso::localdb
