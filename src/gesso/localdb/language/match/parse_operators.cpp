// `{field: {$gt: 1, $in: [...]}}`: the operators on one field.
#include <algorithm>
#include <array>

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/leaf_tests.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

[[noreturn]] void fail(const std::string& message) {
  throw CommandError(ErrorCode::kBadValue, message);
}

Term plain(LeafTestPtr test, LeafArrays arrays = LeafArrays::kElementsAndWhole) {
  Term term;
  term.test = std::move(test);
  term.arrays = arrays;
  return term;
}

Term negated(Term term) {
  term.negated = true;
  term.op = PredicateOp::kOther;
  term.operand = {};
  return term;
}

Term equality(Value operand) {
  Term term = plain(make_comparison(PredicateOp::kEq, operand));
  term.op = PredicateOp::kEq;
  term.operand = operand;
  return term;
}

Term regex_value(Value regex) {
  return plain(make_regex(regex.as_regex().pattern, regex.as_regex().options));
}

bool is_elem_match(Value value) {
  return value.is_document() && !value.as_document().empty() &&
         value.as_document().begin()->key == "$elemMatch";
}

class OperatorParser {
  const std::string name_;
  const View operators_;
  const Variables& variables_;
  std::vector<Term>& terms_;

 public:
  OperatorParser(std::string_view name, View operators, const Variables& variables,
                 std::vector<Term>& terms)
      : name_(name), operators_(operators), variables_(variables), terms_(terms) {}

  void parse() {
    for (const Element& element : operators_) {
      const auto* entry = std::ranges::find_if(
          kOperators, [&](const Entry& candidate) { return candidate.name == element.key; });
      if (entry == kOperators.end()) fail("unknown operator: " + std::string(element.key));
      (this->*entry->parse)(element.value);
    }
  }

 private:
  struct Entry {
    std::string_view name;
    void (OperatorParser::*parse)(Value);
  };

  template <PredicateOp kOp>
  void comparison(Value operand) {
    Term term = plain(make_comparison(kOp, operand));
    term.op = kOp;
    term.operand = operand;
    terms_.push_back(std::move(term));
  }

  template <BitsKind kKind>
  void bits(Value operand) {
    terms_.push_back(plain(make_bits(kKind, operand)));
  }

  void not_equal(Value operand) {
    if (operand.is(Type::kRegex)) fail("Can't have regex as arg to $ne.");
    terms_.push_back(negated(equality(operand)));
  }

  Term in_term(Value operand, const std::string& name) {
    if (!operand.is_array()) fail(name + " needs an array");
    Term term = plain(make_in(operand.as_document()));
    const bool has_regex = std::ranges::any_of(
        operand.as_document(), [](const Element& e) { return e.value.is(Type::kRegex); });
    if (!has_regex) {
      term.op = PredicateOp::kIn;
      term.operand = operand;
    }
    return term;
  }
  void in(Value operand) { terms_.push_back(in_term(operand, "$in")); }
  void not_in(Value operand) { terms_.push_back(negated(in_term(operand, "$nin"))); }

  void exists(Value operand) {
    Term term = plain(make_exists(), LeafArrays::kWhole);
    if (operand.truthy()) {
      term.op = PredicateOp::kExists;
    } else {
      term = negated(std::move(term));
      term.op = PredicateOp::kNotExists;
    }
    terms_.push_back(std::move(term));
  }

  void type(Value operand) { terms_.push_back(plain(make_type(operand))); }
  void mod(Value operand) { terms_.push_back(plain(make_mod(operand))); }
  void size(Value operand) { terms_.push_back(plain(make_size(operand), LeafArrays::kWhole)); }

  void not_(Value operand) {
    if (operand.is(Type::kRegex)) {
      terms_.push_back(negated(regex_value(operand)));
      return;
    }
    if (!operand.is_document()) fail("$not needs a regex or a document");
    if (operand.as_document().empty()) fail("$not cannot be empty");
    Term term;
    parse_operators(name_, operand.as_document(), variables_, term.group);
    term.negated = true;
    terms_.push_back(std::move(term));
  }

  void regex(Value operand) {
    const Value options = operators_["$options"];
    if (!options.is_missing() && !options.is_string()) fail("$options has to be a string");
    if (operand.is_string()) {
      terms_.push_back(
          plain(make_regex(operand.as_string(), options.is_missing() ? "" : options.as_string())));
      return;
    }
    if (!operand.is(Type::kRegex)) fail("$regex has to be a string");
    const bson::Regex regex = operand.as_regex();
    if (!regex.options.empty() && !options.is_missing()) {
      const bool options_first = position_of("$options") < position_of("$regex");
      throw CommandError(options_first ? 51074 : 51075, "options set in both $regex and $options");
    }
    terms_.push_back(plain(
        make_regex(regex.pattern, options.is_missing() ? regex.options : options.as_string())));
  }

  [[nodiscard]] std::ptrdiff_t position_of(std::string_view name) const {
    return std::distance(operators_.begin(), std::find_if(operators_.begin(), operators_.end(),
                                                          [name](const Element& element) {
                                                            return element.key == name;
                                                          }));
  }

  void options(Value /*operand*/) {
    if (!operators_.contains("$regex")) fail("$options needs a $regex");
  }

  void all(Value operand) {
    if (!operand.is_array()) fail("$all needs an array");
    const View values = operand.as_document();
    if (values.empty()) terms_.push_back(plain(make_never()));
    const bool elements = !values.empty() && is_elem_match(values.begin()->value);
    for (const Element& element : values) {
      if (elements != is_elem_match(element.value)) {
        fail(elements ? "$all/$elemMatch has to be consistent" : "no $ expressions in $all");
      }
      if (elements) {
        elem_match(element.value.as_document()["$elemMatch"]);
      } else if (element.value.is_document() && is_operator_document(element.value.as_document())) {
        fail("no $ expressions in $all");
      } else {
        terms_.push_back(element.value.is(Type::kRegex) ? regex_value(element.value)
                                                        : equality(element.value));
      }
    }
  }

  void elem_match(Value operand) {
    if (!operand.is_document()) fail("$elemMatch needs an Object");
    const View inner = operand.as_document();
    LeafTestPtr test;
    if (is_value_form(inner)) {
      std::vector<Term> terms;
      parse_operators(name_, inner, variables_, terms);
      test = make_element_values(std::move(terms));
    } else {
      ParsedFilter parsed;
      parse_filter(inner, FilterPlace::kNested, variables_, parsed);
      test = make_element_documents(make_and(std::move(parsed.nodes)));
    }
    terms_.push_back(plain(std::move(test), LeafArrays::kWhole));
  }

  // {$gt: 1}, and not {$or: [...]}, which is about documents.
  static bool is_value_form(View inner) {
    if (!is_operator_document(inner)) return false;
    const std::string_view first = inner.begin()->key;
    return first != "$and" && first != "$or" && first != "$nor" && first != "$where" &&
           first != "$expr";
  }

  void comment(Value /*operand*/) {}

  static constexpr std::array kOperators = {
      Entry{"$eq", &OperatorParser::comparison<PredicateOp::kEq>},
      Entry{"$gt", &OperatorParser::comparison<PredicateOp::kGt>},
      Entry{"$gte", &OperatorParser::comparison<PredicateOp::kGte>},
      Entry{"$lt", &OperatorParser::comparison<PredicateOp::kLt>},
      Entry{"$lte", &OperatorParser::comparison<PredicateOp::kLte>},
      Entry{"$ne", &OperatorParser::not_equal},
      Entry{"$in", &OperatorParser::in},
      Entry{"$nin", &OperatorParser::not_in},
      Entry{"$exists", &OperatorParser::exists},
      Entry{"$type", &OperatorParser::type},
      Entry{"$mod", &OperatorParser::mod},
      Entry{"$size", &OperatorParser::size},
      Entry{"$not", &OperatorParser::not_},
      Entry{"$regex", &OperatorParser::regex},
      Entry{"$options", &OperatorParser::options},
      Entry{"$all", &OperatorParser::all},
      Entry{"$elemMatch", &OperatorParser::elem_match},
      Entry{"$comment", &OperatorParser::comment},
      Entry{"$bitsAllSet", &OperatorParser::bits<BitsKind::kAllSet>},
      Entry{"$bitsAllClear", &OperatorParser::bits<BitsKind::kAllClear>},
      Entry{"$bitsAnySet", &OperatorParser::bits<BitsKind::kAnySet>},
      Entry{"$bitsAnyClear", &OperatorParser::bits<BitsKind::kAnyClear>},
  };
};

}  // namespace

bool is_operator_document(View document) {
  if (document.empty()) return false;
  const std::string_view first = document.begin()->key;
  return first.starts_with('$') && !is_reference_field(first);  // a DBRef is a literal
}

void parse_operators(std::string_view name, View operators, const Variables& variables,
                     std::vector<Term>& terms) {
  OperatorParser(name, operators, variables, terms).parse();
}

}  // namespace gesso::localdb
