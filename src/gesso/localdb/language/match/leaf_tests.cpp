#include "gesso/localdb/language/match/leaf_tests.hpp"
#include "gesso/localdb/language/metered_compare.hpp"

#include <algorithm>
#include <cmath>

#include "gesso/bson/decimal.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/regex.hpp"
#include "gesso/localdb/language/match/type_set.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

using Position = std::optional<std::size_t>;

bool is_nan(Value value) {
  if (value.is(Type::kDouble)) return std::isnan(value.as_double());
  return value.is(Type::kDecimal128) && bson::is_nan(value.as_decimal128());
}

bool holds(PredicateOp op, int order) {
  switch (op) {
    case PredicateOp::kLt:
      return order < 0;
    case PredicateOp::kLte:
      return order <= 0;
    case PredicateOp::kGt:
      return order > 0;
    case PredicateOp::kGte:
      return order >= 0;
    default:
      return order == 0;
  }
}

class ComparisonTest final : public LeafTest {
  PredicateOp op_;
  Value operand_;
  int type_order_;
  bool any_type_;  // MinKey and MaxKey compare with everything

 public:
  ComparisonTest(PredicateOp op, Value operand)
      : op_(op),
        operand_(operand),
        type_order_(bson::type_order(operand.type())),
        any_type_(operand.is(Type::kMinKey) || operand.is(Type::kMaxKey)) {}

  bool test(Value value, Position& /*element*/) const override {
    if (bson::type_order(value.type()) != type_order_ && !any_type_) return false;
    const int order = metered_compare(value, operand_);
    // NaN stands below all numbers in the order, but is neither less nor greater for a query.
    if (order != 0 && value.is_number() && (is_nan(value) || is_nan(operand_))) return false;
    return holds(op_, order);
  }
};

class InTest final : public LeafTest {
  std::vector<Value> values_;  // sorted
  std::vector<LeafTestPtr> patterns_;

 public:
  explicit InTest(View values) {
    for (const Element& element : values) {
      if (element.value.is_document() && is_operator_document(element.value.as_document())) {
        throw CommandError(ErrorCode::kBadValue, "cannot nest $ under $in");
      }
      if (element.value.is(Type::kRegex)) {
        const bson::Regex regex = element.value.as_regex();
        patterns_.push_back(make_regex(regex.pattern, regex.options));
      } else {
        values_.push_back(element.value);
      }
    }
    std::ranges::sort(values_, less);
  }

  bool test(Value value, Position& element) const override {
    if (std::ranges::binary_search(values_, value, less)) return true;
    return std::ranges::any_of(patterns_,
                               [&](const auto& pattern) { return pattern->test(value, element); });
  }

 private:
  static bool less(Value left, Value right) { return metered_compare(left, right) < 0; }
};

class ExistsTest final : public LeafTest {
 public:
  bool test(Value value, Position& /*element*/) const override { return !value.is_missing(); }
};

class NeverTest final : public LeafTest {
 public:
  bool test(Value /*value*/, Position& /*element*/) const override { return false; }
};

class TypeTest final : public LeafTest {
  TypeSet types_;

 public:
  explicit TypeTest(Value operand) : types_(TypeSet::parse(operand)) {}
  bool test(Value value, Position& /*element*/) const override {
    return types_.contains(value.type());
  }
};

// Toward zero; std::nullopt for what no int64 holds.
std::optional<std::int64_t> truncated(Value number) {
  if (const auto exact = number.integer()) return exact;
  const double value = number.number();
  if (!(value > -0x1p63 && value < 0x1p63)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

class ModTest final : public LeafTest {
  std::int64_t divisor_ = 0;
  std::int64_t remainder_ = 0;

 public:
  explicit ModTest(Value operand) {
    if (!operand.is_array()) fail("malformed mod, needs to be an array");
    const View pair = operand.as_document();
    const std::size_t count = pair.count();
    if (count < 2) fail("malformed mod, not enough elements");
    if (count > 2) fail("malformed mod, too many elements");
    auto it = pair.begin();
    divisor_ = parse(it->value, "divisor");
    ++it;
    remainder_ = parse(it->value, "remainder");
    if (divisor_ == 0) fail("divisor cannot be 0");
  }

  bool test(Value value, Position& /*element*/) const override {
    if (!value.is_number()) return false;
    const auto dividend = truncated(value);
    if (!dividend) return false;
    // INT64_MIN % -1 is undefined in C++; every number leaves 0.
    const std::int64_t rest = divisor_ == -1 ? 0 : *dividend % divisor_;
    return rest == remainder_;
  }

 private:
  [[noreturn]] static void fail(const std::string& message) {
    throw CommandError(ErrorCode::kBadValue, message);
  }
  static std::int64_t parse(Value value, const std::string& what) {
    if (!value.is_number()) fail("malformed mod, " + what + " not a number");
    const auto number = truncated(value);
    if (!number) fail("malformed mod, " + what + " value is invalid: " + value_text(value));
    return *number;
  }
};

class SizeTest final : public LeafTest {
  std::size_t size_;

 public:
  explicit SizeTest(Value operand) {
    const auto size = operand.is_number() ? operand.integer() : std::nullopt;
    if (!size) {
      throw CommandError(
          ErrorCode::kBadValue,
          "Failed to parse $size. Expected an integer in: $size: " + value_text(operand));
    }
    if (*size < 0) {
      throw CommandError(ErrorCode::kBadValue,
                         "Failed to parse $size. Expected a non-negative number in: $size: " +
                             value_text(operand));
    }
    size_ = static_cast<std::size_t>(*size);
  }

  bool test(Value value, Position& /*element*/) const override {
    if (!value.is_array()) return false;
    charge(value.raw().size());
    return value.as_document().count() == size_;
  }
};

class RegexTest final : public LeafTest {
  std::string pattern_;
  std::string options_;
  CompiledRegex regex_;

 public:
  RegexTest(std::string_view pattern, std::string_view options)
      : pattern_(pattern), options_(options), regex_(pattern, options) {}

  bool test(Value value, Position& /*element*/) const override {
    if (value.is_string() || value.is(Type::kSymbol)) return regex_.matches(value.as_string());
    if (!value.is(Type::kRegex)) return false;
    const bson::Regex stored = value.as_regex();
    return stored.pattern == pattern_ && stored.options == options_;
  }
};

class ElementDocumentsTest final : public LeafTest {
  MatchNodePtr inner_;

 public:
  explicit ElementDocumentsTest(MatchNodePtr inner) : inner_(std::move(inner)) {}

  bool test(Value value, Position& element) const override {
    if (!value.is_array()) return false;
    std::size_t position = 0;
    for (const Element& candidate : value.as_document()) {
      charge(Meter::kStep);
      const bool nested = candidate.value.is_document() || candidate.value.is_array();
      if (nested && inner_->matches(candidate.value.as_document(), nullptr)) {
        element = position;
        return true;
      }
      ++position;
    }
    return false;
  }
};

bool passes(const Term& term, Value value) {
  Position ignored;
  const bool plain = term.test ? term.test->test(value, ignored)
                               : std::ranges::all_of(term.group, [value](const Term& part) {
                                   return passes(part, value);
                                 });
  return plain != term.negated;
}

class ElementValuesTest final : public LeafTest {
  std::vector<Term> terms_;

 public:
  explicit ElementValuesTest(std::vector<Term> terms) : terms_(std::move(terms)) {}

  bool test(Value value, Position& element) const override {
    if (!value.is_array()) return false;
    std::size_t position = 0;
    for (const Element& candidate : value.as_document()) {
      charge(Meter::kStep);
      const auto passes_term = [&](const Term& term) { return passes(term, candidate.value); };
      if (std::ranges::all_of(terms_, passes_term)) {
        element = position;
        return true;
      }
      ++position;
    }
    return false;
  }
};

}  // namespace

LeafTestPtr make_comparison(PredicateOp op, Value operand) {
  if (operand.is(Type::kUndefined)) {
    throw CommandError(ErrorCode::kBadValue, "cannot compare to undefined");
  }
  if (op != PredicateOp::kEq && operand.is(Type::kRegex)) {
    throw CommandError(ErrorCode::kBadValue, "Can't have RegEx as arg to predicate over field");
  }
  return std::make_unique<ComparisonTest>(op, operand);
}

LeafTestPtr make_in(View values) { return std::make_unique<InTest>(values); }
LeafTestPtr make_exists() { return std::make_unique<ExistsTest>(); }
LeafTestPtr make_never() { return std::make_unique<NeverTest>(); }
LeafTestPtr make_type(Value operand) { return std::make_unique<TypeTest>(operand); }
LeafTestPtr make_mod(Value operand) { return std::make_unique<ModTest>(operand); }
LeafTestPtr make_size(Value operand) { return std::make_unique<SizeTest>(operand); }

LeafTestPtr make_regex(std::string_view pattern, std::string_view options) {
  return std::make_unique<RegexTest>(pattern, options);
}

LeafTestPtr make_element_documents(MatchNodePtr inner) {
  return std::make_unique<ElementDocumentsTest>(std::move(inner));
}

LeafTestPtr make_element_values(std::vector<Term> terms) {
  return std::make_unique<ElementValuesTest>(std::move(terms));
}

}  // namespace gesso::localdb
