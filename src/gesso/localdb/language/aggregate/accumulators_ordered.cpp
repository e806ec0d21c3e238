// Accumulators that keep several values in an order: of arrival, of the values, or of a sort.
#include <algorithm>
#include <array>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/accumulator.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/sort.hpp"
#include "gesso/localdb/language/metered_compare.hpp"

namespace gesso::localdb {
namespace {

using bson::OwnedValue;
using bson::Type;
using bson::Value;

std::size_t bytes_of(const OwnedValue& value) {
  return value.view().raw().size() + sizeof(OwnedValue);
}

Value array_of(const std::vector<OwnedValue>& values, Arena& arena) {
  bson::Builder result;
  for (const OwnedValue& value : values) {
    result.push(value.view().is_missing() ? Arena::null() : value.view());
  }
  return arena.array(std::move(result));
}

class FirstN final : public Accumulator {
  std::size_t n_;
  std::vector<OwnedValue> values_;

 public:
  explicit FirstN(std::size_t n) : n_(n) {}
  void add(Value value) override {
    if (values_.size() < n_) values_.emplace_back(value);
  }
  Value result(Arena& arena) const override { return array_of(values_, arena); }
  std::size_t memory() const override {
    std::size_t total = 0;
    for (const OwnedValue& value : values_) total += bytes_of(value);
    return total;
  }
};

class LastN final : public Accumulator {
  std::size_t n_;
  std::vector<OwnedValue> values_;  // may hold up to twice as many

 public:
  explicit LastN(std::size_t n) : n_(n) {}
  void add(Value value) override {
    values_.emplace_back(value);
    if (values_.size() / 2 >= n_) trim();
  }
  Value result(Arena& arena) const override {
    bson::Builder result;
    const std::size_t skipped = values_.size() - std::min(n_, values_.size());
    for (std::size_t i = skipped; i < values_.size(); ++i) {
      result.push(values_[i].view().is_missing() ? Arena::null() : values_[i].view());
    }
    return arena.array(std::move(result));
  }
  std::size_t memory() const override {
    std::size_t total = 0;
    for (const OwnedValue& value : values_) total += bytes_of(value);
    return total;
  }

 private:
  void trim() { values_.erase(values_.begin(), values_.end() - static_cast<std::ptrdiff_t>(n_)); }
};

// $minN and $maxN.
class ExtremeN final : public Accumulator {
  std::size_t n_;
  int direction_;                   // 1: the least
  std::vector<OwnedValue> values_;  // sorted

 public:
  ExtremeN(std::size_t n, int direction) : n_(n), direction_(direction) {}
  void add(Value value) override {
    if (is_nullish(value)) return;
    const auto place = std::ranges::upper_bound(
        values_, value,
        [this](Value left, Value right) { return metered_compare(left, right) * direction_ < 0; },
        &OwnedValue::view);
    if (place == values_.end() && values_.size() >= n_) return;
    values_.emplace(place, value);
    if (values_.size() > n_) values_.pop_back();
  }
  Value result(Arena& arena) const override { return array_of(values_, arena); }
  std::size_t memory() const override {
    std::size_t total = 0;
    for (const OwnedValue& value : values_) total += bytes_of(value);
    return total;
  }
};

// $top, $topN, $bottom and $bottomN; gets [document, output].
class Ranked final : public Accumulator {
  struct Entry {
    bson::Document document;
    OwnedValue output;
  };
  std::shared_ptr<const SortSpec> sort_;
  std::size_t n_;
  bool bottom_;
  bool scalar_;
  std::vector<Entry> entries_;  // sorted

 public:
  Ranked(std::shared_ptr<const SortSpec> sort, std::size_t n, bool bottom, bool scalar)
      : sort_(std::move(sort)), n_(n), bottom_(bottom), scalar_(scalar) {}

  void add(Value pair) override {
    const bson::View parts = pair.as_document();
    const bson::View document = parts["d"].as_document();
    const auto place = std::ranges::upper_bound(
        entries_, document,
        [this](bson::View left, bson::View right) { return sort_->compare(left, right) < 0; },
        [](const Entry& entry) { return entry.document.view(); });
    const bool full = entries_.size() >= n_;
    if (full && place == (bottom_ ? entries_.begin() : entries_.end())) return;
    entries_.insert(place, Entry{bson::Document(document), OwnedValue(parts["o"])});
    if (full) entries_.erase(bottom_ ? entries_.begin() : entries_.end() - 1);
  }

  Value result(Arena& arena) const override {
    bson::Builder result;
    for (const Entry& entry : entries_) {
      const Value output = entry.output.view();
      const Value value = output.is_missing() ? Arena::null() : output;
      if (scalar_) return arena.copy(value);
      result.push(value);
    }
    return scalar_ ? Arena::null() : arena.array(std::move(result));
  }
  std::size_t memory() const override {
    std::size_t total = 0;
    for (const Entry& entry : entries_) total += entry.document.size() + bytes_of(entry.output);
    return total;
  }
};

// {d: document, o: output}
class RankedInput final : public Expression {
  ExpressionPtr output_;

 public:
  explicit RankedInput(ExpressionPtr output) : output_(std::move(output)) {}
  Value evaluate(Evaluation& evaluation) const override {
    bson::Builder pair;
    pair.append("d", evaluation.root);
    pair.append("o", output_->evaluate(evaluation));
    return evaluation.arena.document(pair.finish());
  }
};

std::size_t parse_n(Value spec, ExpressionScope& scope) {
  const ExpressionPtr expression = compile_expression(spec, scope);
  Arena arena;
  const bson::Document no_document;
  Evaluation evaluation(no_document, arena, scope);
  const Value value = expression->evaluate(evaluation);
  const auto n = value.is_number() ? value.integer() : std::nullopt;
  if (!n)
    throw CommandError(5787902,
                       "Value for 'n' must be of integral type, but found " + type_text(value));
  if (*n <= 0) {
    throw CommandError(5787908, "'n' must be greater than 0, found " + std::to_string(*n));
  }
  return static_cast<std::size_t>(*n);
}

constexpr std::array kInputArguments = {NamedArgument{"n", true}, NamedArgument{"input", true}};
constexpr std::array kOneArguments = {NamedArgument{"sortBy", true}, NamedArgument{"output", true}};
constexpr std::array kManyArguments = {NamedArgument{"sortBy", true}, NamedArgument{"output", true},
                                       NamedArgument{"n", true}};

AccumulatorPlan compile_ranked(std::string_view name, Value spec, ExpressionScope& scope) {
  const bool many = name.ends_with('N');
  const NamedEntry shape{name,
                         many ? std::span<const NamedArgument>(kManyArguments)
                              : std::span<const NamedArgument>(kOneArguments),
                         nullptr,
                         5788001,
                         5788002,
                         5788003};
  const std::vector<Value> parts = named_specs(shape, spec);
  if (!parts[0].is_document()) {
    throw CommandError(5788004, "expected 'sortBy' to be an object, found " + type_text(parts[0]));
  }
  auto sort = std::make_shared<const SortSpec>(SortSpec::parse(parts[0].as_document()));
  const std::size_t n = many ? parse_n(parts[2], scope) : 1;
  const bool bottom = name.starts_with("$bottom");
  return {
      .input = std::make_unique<RankedInput>(compile_expression(parts[1], scope)),
      .make = [sort, n, bottom, many] { return std::make_unique<Ranked>(sort, n, bottom, !many); }};
}

}  // namespace

AccumulatorPlan compile_ordered_accumulator(std::string_view name, Value spec,
                                            ExpressionScope& scope) {
  if (name.starts_with("$top") || name.starts_with("$bottom")) {
    return compile_ranked(name, spec, scope);
  }
  const NamedEntry shape{name, kInputArguments, nullptr, 5787900, 5787901, 5787906};
  const std::vector<Value> parts = named_specs(shape, spec);
  const std::size_t n = parse_n(parts[0], scope);
  AccumulatorPlan plan{.input = compile_expression(parts[1], scope), .make = {}};
  if (name == "$firstN") {
    plan.make = [n] { return std::make_unique<FirstN>(n); };
  } else if (name == "$lastN") {
    plan.make = [n] { return std::make_unique<LastN>(n); };
  } else {
    plan.make = [n, direction = name == "$minN" ? 1 : -1] {
      return std::make_unique<ExtremeN>(n, direction);
    };
  }
  return plan;
}

}  // namespace gesso::localdb
