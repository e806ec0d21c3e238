#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/decimal.hpp"
#include "gesso/localdb/language/aggregate/accumulator.hpp"
#include "gesso/localdb/language/aggregate/numeric.hpp"
#include "gesso/localdb/language/aggregate/object_merge.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/metered_compare.hpp"

namespace gesso::localdb {
namespace {

using bson::OwnedValue;
using bson::Type;
using bson::Value;

// A sum of doubles that keeps what rounding takes away (Neumaier).
class CompensatedSum {
  double sum_ = 0;
  double lost_ = 0;

 public:
  void add(double value) {
    const double next = sum_ + value;
    if (std::isfinite(next)) {
      lost_ += std::abs(sum_) >= std::abs(value) ? (sum_ - next) + value : (value - next) + sum_;
    }
    sum_ = next;
  }
  [[nodiscard]] double value() const { return std::isfinite(sum_) ? sum_ + lost_ : sum_; }
};

// Integers are summed as such, doubles with compensation, decimals as decimals; the result has the
// widest type that was seen.
class NumberSum {
  Number integers_ = {};
  CompensatedSum doubles_;
  bson::Decimal128 decimals_ = bson::decimal_from(std::int64_t{0});
  bool has_double_ = false;
  bool has_decimal_ = false;

 public:
  void add(Value value) {
    if (value.is(Type::kDouble)) {
      has_double_ = true;
      doubles_.add(value.as_double());
    } else if (value.is(Type::kDecimal128)) {
      has_decimal_ = true;
      decimals_ = bson::add(decimals_, value.as_decimal128());
    } else if (const auto sum = localdb::add(integers_, Number(value))) {
      integers_ = *sum;
    } else {
      // More than int64 holds: go on in doubles.
      has_double_ = true;
      doubles_.add(integers_.to_double());
      integers_ = Number(value);
    }
  }
  [[nodiscard]] bool has_decimal() const { return has_decimal_; }
  [[nodiscard]] double real() const {
    CompensatedSum sum = doubles_;
    sum.add(integers_.to_double());
    return sum.value();
  }
  [[nodiscard]] bson::Decimal128 decimal() const {
    bson::Decimal128 sum = bson::add(decimals_, integers_.to_decimal());
    if (has_double_) sum = bson::add(sum, bson::decimal_from(doubles_.value()));
    return sum;
  }
  [[nodiscard]] Number total() const {
    if (has_decimal_) return Number::of_decimal(decimal());
    return has_double_ ? Number::of_double(real()) : integers_;
  }
};

class Sum final : public Accumulator {
  NumberSum sum_;

 public:
  void add(Value value) override {
    if (value.is_number()) sum_.add(value);
  }
  Value result(Arena& arena) const override { return sum_.total().to_value(arena); }
};

class Average final : public Accumulator {
  NumberSum sum_;
  std::int64_t count_ = 0;

 public:
  void add(Value value) override {
    if (!value.is_number()) return;
    sum_.add(value);
    ++count_;
  }
  Value result(Arena& arena) const override {
    if (count_ == 0) return Arena::null();
    if (sum_.has_decimal()) {
      return arena.decimal(bson::divide(sum_.decimal(), bson::decimal_from(count_)));
    }
    return arena.real(sum_.real() / static_cast<double>(count_));
  }
};

template <int kSign>
class Extreme final : public Accumulator {
  OwnedValue best_;

 public:
  void add(Value value) override {
    if (is_nullish(value)) return;
    if (best_.view().is_missing() || metered_compare(value, best_.view()) * kSign > 0) {
      best_ = OwnedValue(value);
    }
  }
  Value result(Arena& arena) const override {
    return best_.view().is_missing() ? Arena::null() : arena.copy(best_.view());
  }
  std::size_t memory() const override { return best_.view().raw().size(); }
};

class First final : public Accumulator {
  OwnedValue value_;
  bool set_ = false;

 public:
  void add(Value value) override {
    if (set_) return;
    set_ = true;
    value_ = OwnedValue(value);
  }
  Value result(Arena& arena) const override {
    return value_.view().is_missing() ? Arena::null() : arena.copy(value_.view());
  }
  std::size_t memory() const override { return value_.view().raw().size(); }
};

class Last final : public Accumulator {
  OwnedValue value_;

 public:
  void add(Value value) override { value_ = OwnedValue(value); }
  Value result(Arena& arena) const override {
    return value_.view().is_missing() ? Arena::null() : arena.copy(value_.view());
  }
  std::size_t memory() const override { return value_.view().raw().size(); }
};

class Push final : public Accumulator {
  bson::Builder values_;

 public:
  void add(Value value) override {
    if (!value.is_missing()) values_.push(value);
  }
  Value result(Arena& arena) const override {
    bson::Builder copy = values_;
    return arena.array(std::move(copy));
  }
  std::size_t memory() const override { return values_.size(); }
};

class AddToSet final : public Accumulator {
  std::unordered_set<OwnedValue, ValueHash, ValueEqual> values_;
  std::vector<Value> order_;  // borrowed from values_, whose nodes do not move
  std::size_t bytes_ = 0;

 public:
  void add(Value value) override {
    if (value.is_missing() || values_.find(value) != values_.end()) return;
    const auto added = values_.insert(OwnedValue(value)).first;
    order_.push_back(added->view());
    bytes_ += value.raw().size() + sizeof(OwnedValue);
  }
  Value result(Arena& arena) const override { return arena.array(order_); }
  std::size_t memory() const override { return bytes_; }
};

// Welford's method.
template <bool kSample>
class StandardDeviation final : public Accumulator {
  std::int64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;

 public:
  void add(Value value) override {
    if (!value.is_number()) return;
    const double number = value.number();
    const double delta = number - mean_;
    mean_ += delta / static_cast<double>(++count_);
    squares_ += delta * (number - mean_);
  }
  Value result(Arena& arena) const override {
    const std::int64_t divisor = kSample ? count_ - 1 : count_;
    if (divisor <= 0) return Arena::null();
    return arena.real(std::sqrt(squares_ / static_cast<double>(divisor)));
  }
};

class MergeObjects final : public Accumulator {
  bson::Document merged_;

 public:
  void add(Value value) override {
    if (is_nullish(value)) return;
    if (!value.is_document()) {
      throw CommandError(
          40400, "$mergeObjects requires object inputs, but input is of type " + type_text(value));
    }
    FieldMerge merge;
    merge.put_all(merged_);
    merge.put_all(value.as_document());
    merged_ = merge.finish();
  }
  Value result(Arena& arena) const override { return arena.document(merged_); }
  std::size_t memory() const override { return merged_.size(); }
};

// Exact: the smallest value that at least p of all values do not exceed.
class Percentiles final : public Accumulator {
  std::vector<double> wanted_;
  bool scalar_;
  mutable std::vector<double> values_;  // sorted when asked

 public:
  Percentiles(std::vector<double> wanted, bool scalar)
      : wanted_(std::move(wanted)), scalar_(scalar) {}

  void add(Value value) override {
    if (value.is_number() && !std::isnan(value.number())) values_.push_back(value.number());
  }
  Value result(Arena& arena) const override {
    std::ranges::sort(values_);
    if (scalar_) return at(wanted_[0], arena);
    bson::Builder result;
    for (const double p : wanted_) result.push(at(p, arena));
    return arena.array(std::move(result));
  }
  std::size_t memory() const override { return values_.size() * sizeof(double); }

 private:
  Value at(double p, Arena& arena) const {
    if (values_.empty()) return Arena::null();
    const double rank = std::ceil(p * static_cast<double>(values_.size()));
    return arena.real(values_[rank < 1 ? 0 : static_cast<std::size_t>(rank) - 1]);
  }
};

using MakePlan = AccumulatorPlan (*)(std::string_view name, Value spec, ExpressionScope& scope);

template <class Kind>
AccumulatorPlan plain(std::string_view name, Value spec, ExpressionScope& scope) {
  if (spec.is_array()) {
    throw CommandError(40237, "The " + std::string(name) + " accumulator is a unary operator");
  }
  return {.input = compile_expression(spec, scope),
          .make = [] { return std::make_unique<Kind>(); }};
}

AccumulatorPlan count(std::string_view, Value spec, ExpressionScope&) {
  if (!spec.is_document() || !spec.as_document().empty()) {
    throw CommandError(ErrorCode::kTypeMismatch, "$count takes no arguments, i.e. $count:{}");
  }
  const bson::Document one = bson::make_document("", std::int32_t{1});
  return {.input = make_constant(one[""]), .make = [] { return std::make_unique<Sum>(); }};
}

void check_method(Value method, std::string_view name) {
  if (method.is_string() && method.as_string() == "approximate") return;
  throw CommandError(ErrorCode::kBadValue, "Currently only 'approximate' can be used as " +
                                               std::string(name) + " 'method'.");
}

double parse_percentile(Value p) {
  if (!p.is_number() || !(p.number() >= 0 && p.number() <= 1)) {
    throw CommandError(7750303,
                       "The $percentile 'p' field must be an array of numbers from [0.0, "
                       "1.0], but found: " +
                           value_text(p));
  }
  return p.number();
}

constexpr std::array kPercentileArguments = {NamedArgument{"input", true}, NamedArgument{"p", true},
                                             NamedArgument{"method", true}};
constexpr std::array kMedianArguments = {NamedArgument{"input", true},
                                         NamedArgument{"method", true}};

AccumulatorPlan percentile(std::string_view name, Value spec, ExpressionScope& scope) {
  const NamedEntry shape{
      name, kPercentileArguments, nullptr, 7429703, static_cast<int>(ErrorCode::kUnknownField),
      40414};
  const std::vector<Value> parts = named_specs(shape, spec);
  check_method(parts[2], name);
  const ExpressionPtr p = compile_expression(parts[1], scope);
  // Written as an array of constants.
  Arena arena;
  const bson::Document no_document;
  Evaluation evaluation(no_document, arena, scope);
  const Value list = p->evaluate(evaluation);
  if (!list.is_array() || list.as_document().empty()) {
    throw CommandError(7750301,
                       "The $percentile 'p' field must be a non-empty array of constant "
                       "numbers from [0.0, 1.0]");
  }
  std::vector<double> wanted;
  for (const bson::Element& element : list.as_document()) {
    wanted.push_back(parse_percentile(element.value));
  }
  return {.input = compile_expression(parts[0], scope),
          .make = [wanted] { return std::make_unique<Percentiles>(wanted, false); }};
}

AccumulatorPlan median(std::string_view name, Value spec, ExpressionScope& scope) {
  const NamedEntry shape{
      name, kMedianArguments, nullptr, 7436100, static_cast<int>(ErrorCode::kUnknownField), 40414};
  const std::vector<Value> parts = named_specs(shape, spec);
  check_method(parts[1], name);
  return {.input = compile_expression(parts[0], scope),
          .make = [] { return std::make_unique<Percentiles>(std::vector<double>{0.5}, true); }};
}

struct Entry {
  std::string_view name;
  MakePlan make;
};

constexpr std::array kAccumulators = {
    Entry{"$sum", plain<Sum>},
    Entry{"$avg", plain<Average>},
    Entry{"$min", plain<Extreme<-1>>},
    Entry{"$max", plain<Extreme<1>>},
    Entry{"$first", plain<First>},
    Entry{"$last", plain<Last>},
    Entry{"$push", plain<Push>},
    Entry{"$addToSet", plain<AddToSet>},
    Entry{"$stdDevPop", plain<StandardDeviation<false>>},
    Entry{"$stdDevSamp", plain<StandardDeviation<true>>},
    Entry{"$mergeObjects", plain<MergeObjects>},
    Entry{"$count", count},
    Entry{"$percentile", percentile},
    Entry{"$median", median},
    Entry{"$firstN", compile_ordered_accumulator},
    Entry{"$lastN", compile_ordered_accumulator},
    Entry{"$minN", compile_ordered_accumulator},
    Entry{"$maxN", compile_ordered_accumulator},
    Entry{"$top", compile_ordered_accumulator},
    Entry{"$topN", compile_ordered_accumulator},
    Entry{"$bottom", compile_ordered_accumulator},
    Entry{"$bottomN", compile_ordered_accumulator},
};

// As an expression: over the elements of its one argument, or over its several arguments.
class AccumulatorExpression final : public Expression {
  std::vector<ExpressionPtr> arguments_;
  std::function<AccumulatorPtr()> make_;

 public:
  AccumulatorExpression(std::vector<ExpressionPtr> arguments, std::function<AccumulatorPtr()> make)
      : arguments_(std::move(arguments)), make_(std::move(make)) {}

  Value evaluate(Evaluation& evaluation) const override {
    const AccumulatorPtr accumulator = make_();
    for (const ExpressionPtr& argument : arguments_) {
      const Value value = argument->evaluate(evaluation);
      if (arguments_.size() == 1 && value.is_array()) {
        for (const bson::Element& element : value.as_document()) accumulator->add(element.value);
      } else {
        accumulator->add(value);
      }
    }
    return accumulator->result(evaluation.arena);
  }
};

template <class Kind>
ExpressionPtr over_arguments(std::string_view, Value spec, ExpressionScope& scope) {
  return std::make_unique<AccumulatorExpression>(compile_arguments(spec, scope),
                                                 [] { return std::make_unique<Kind>(); });
}

template <MakePlan kMake>
ExpressionPtr over_input(std::string_view name, Value spec, ExpressionScope& scope) {
  AccumulatorPlan plan = kMake(name, spec, scope);
  std::vector<ExpressionPtr> arguments;
  arguments.push_back(std::move(plan.input));
  return std::make_unique<AccumulatorExpression>(std::move(arguments), std::move(plan.make));
}

constexpr std::array kSpecials = {
    SpecialEntry{"$sum", over_arguments<Sum>},
    SpecialEntry{"$avg", over_arguments<Average>},
    SpecialEntry{"$min", over_arguments<Extreme<-1>>},
    SpecialEntry{"$max", over_arguments<Extreme<1>>},
    SpecialEntry{"$stdDevPop", over_arguments<StandardDeviation<false>>},
    SpecialEntry{"$stdDevSamp", over_arguments<StandardDeviation<true>>},
    SpecialEntry{"$percentile", over_input<percentile>},
    SpecialEntry{"$median", over_input<median>},
};

}  // namespace

bool is_accumulator(std::string_view name) {
  return std::ranges::find(kAccumulators, name, &Entry::name) != kAccumulators.end();
}

AccumulatorPlan compile_accumulator(std::string_view name, Value spec, ExpressionScope& scope) {
  const auto* found = std::ranges::find(kAccumulators, name, &Entry::name);
  if (found == kAccumulators.end()) {
    throw CommandError(15952, "unknown group operator '" + std::string(name) + "'");
  }
  return found->make(name, spec, scope);
}

std::span<const SpecialEntry> accumulator_specials() { return kSpecials; }

}  // namespace gesso::localdb
