// Operators on single values; those on arrays are in array_operators.cpp.
#include "gesso/localdb/language/update/operators.hpp"

#include <algorithm>
#include <array>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/compare.hpp"
#include "gesso/bson/decimal.hpp"
#include "gesso/localdb/language/aggregate/numeric.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/empty_timestamp.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

std::string type_of(Value value) { return std::string(bson::type_name(value.type())); }

class SetOperator final : public UpdateOperator {
  Value operand_;

 public:
  SetOperator(std::string_view path, Value operand) : UpdateOperator(path), operand_(operand) {}
  Value apply(Value /*current*/, UpdateRun& /*run*/) const override { return operand_; }
};

class SetOnInsertOperator final : public UpdateOperator {
  Value operand_;

 public:
  SetOnInsertOperator(std::string_view path, Value operand)
      : UpdateOperator(path), operand_(operand) {}
  Value apply(Value current, UpdateRun& run) const override {
    return run.insert ? operand_ : current;
  }
  bool creates(const UpdateRun& run) const override { return run.insert; }
};

class UnsetOperator final : public UpdateOperator {
 public:
  using UpdateOperator::UpdateOperator;
  Value apply(Value /*current*/, UpdateRun& /*run*/) const override { return {}; }
  bool creates(const UpdateRun& /*run*/) const override { return false; }
};

using Arithmetic = std::optional<Number> (*)(Number, Number) noexcept;

// $inc and $mul
class ArithmeticOperator final : public UpdateOperator {
  std::string operator_;
  Arithmetic arithmetic_;
  Value operand_;

 public:
  ArithmeticOperator(std::string_view name, std::string_view path, Arithmetic arithmetic,
                     Value operand)
      : UpdateOperator(path), operator_(name), arithmetic_(arithmetic), operand_(operand) {
    if (operand.is_number()) return;
    throw CommandError(ErrorCode::kTypeMismatch,
                       "Cannot " + verb() + " with non-numeric argument: {" + std::string(path) +
                           ": " + value_text(operand) + "}");
  }

  Value apply(Value current, UpdateRun& run) const override {
    if (current.is_missing()) return operator_ == "$inc" ? operand_ : zero(run.arena);
    if (!current.is_number()) {
      throw CommandError(ErrorCode::kTypeMismatch,
                         "Cannot apply " + operator_ + " to a value of non-numeric type. " +
                             describe_id(run.document) + " has the field '" + name() +
                             "' of non-numeric type " + type_of(current));
    }
    const auto result = arithmetic_(Number(current), Number(operand_));
    if (!result) {
      throw CommandError(ErrorCode::kBadValue,
                         "Failed to apply " + operator_ + " operations to current value (" +
                             value_text(current) + ") for document " + describe_id(run.document));
    }
    return result->to_value(run.arena);
  }

 private:
  std::string verb() const { return operator_ == "$inc" ? "increment" : "multiply"; }
  Value zero(Arena& arena) const {
    return multiply(Number(operand_), Number{}).value_or(Number{}).to_value(arena);
  }
};

// $min and $max: the operand replaces what stands on its other side.
class ExtremeOperator final : public UpdateOperator {
  int wanted_;
  Value operand_;

 public:
  ExtremeOperator(std::string_view path, int wanted, Value operand)
      : UpdateOperator(path), wanted_(wanted), operand_(operand) {}
  Value apply(Value current, UpdateRun& /*run*/) const override {
    if (current.is_missing()) return operand_;
    return bson::compare(operand_, current) * wanted_ > 0 ? operand_ : current;
  }
};

class CurrentDateOperator final : public UpdateOperator {
  bool timestamp_ = false;

 public:
  CurrentDateOperator(std::string_view path, Value operand) : UpdateOperator(path) {
    if (operand.is(Type::kBool)) return;
    if (!operand.is_document()) {
      throw CommandError(ErrorCode::kBadValue,
                         type_of(operand) +
                             " is not valid type for $currentDate. Please use a boolean ('true') "
                             "or a $type expression ({$type: 'timestamp/date'}).");
    }
    for (const Element& element : operand.as_document()) {
      if (element.key != "$type") {
        throw CommandError(ErrorCode::kBadValue,
                           "Unrecognized $currentDate option: " + std::string(element.key));
      }
      const bool text = element.value.is_string();
      timestamp_ = text && element.value.as_string() == "timestamp";
      if (timestamp_ || (text && element.value.as_string() == "date")) continue;
      throw CommandError(ErrorCode::kBadValue,
                         "The '$type' string field is required to be 'date' or 'timestamp': "
                         "{$currentDate: {field : {$type: 'date'}}}");
    }
  }

  Value apply(Value /*current*/, UpdateRun& run) const override {
    if (!timestamp_) return run.arena.date(run.now.time_since_epoch().count());
    const bson::Timestamp now = timestamp_at(run.now);
    const std::uint64_t bits = std::uint64_t{now.seconds} << 32 | now.increment;
    return run.arena.copy(Type::kTimestamp,
                          {reinterpret_cast<const std::uint8_t*>(&bits), sizeof bits});
  }
};

class BitOperator final : public UpdateOperator {
  struct Step {
    std::string name;
    Number operand;
  };
  std::vector<Step> steps_;

 public:
  BitOperator(std::string_view path, Value operand) : UpdateOperator(path) {
    if (!operand.is_document()) {
      throw CommandError(ErrorCode::kBadValue,
                         "The $bit modifier is not compatible with a " + type_of(operand) +
                             ". You must pass in an embedded document: {$bit: {field: "
                             "{and/or/xor: #}}");
    }
    for (const Element& element : operand.as_document()) {
      if (element.key != "and" && element.key != "or" && element.key != "xor") {
        throw CommandError(ErrorCode::kBadValue,
                           "The $bit modifier only supports 'and', 'or', and 'xor', not '" +
                               std::string(element.key) + "' which is an unknown operator");
      }
      if (!element.value.is(Type::kInt32) && !element.value.is(Type::kInt64)) {
        throw CommandError(ErrorCode::kBadValue,
                           "The $bit modifier field must be an Integer(32/64 bit); a '" +
                               type_of(element.value) + "' is not supported here");
      }
      steps_.push_back({.name = std::string(element.key), .operand = Number(element.value)});
    }
    if (steps_.empty()) {
      throw CommandError(ErrorCode::kBadValue, "You must pass in at least one bitwise operation");
    }
  }

  Value apply(Value current, UpdateRun& run) const override {
    if (!current.is_missing() && !current.is(Type::kInt32) && !current.is(Type::kInt64)) {
      throw CommandError(ErrorCode::kBadValue,
                         "Cannot apply $bit to a value of non-integral type. " +
                             describe_id(run.document) + " has the field " + name() +
                             " of non-integer type " + type_of(current));
    }
    Number value = current.is_missing() ? Number{} : Number(current);
    for (const Step& step : steps_) value = combined(value, step);
    return value.to_value(run.arena);
  }

 private:
  static Number combined(Number value, const Step& step) {
    const std::int64_t left = value.integer();
    const std::int64_t right = step.operand.integer();
    const std::int64_t bits = step.name == "and"  ? left & right
                              : step.name == "or" ? left | right
                                                  : left ^ right;
    const bool wide = value.type() == Type::kInt64 || step.operand.type() == Type::kInt64;
    return wide ? Number::of_int64(bits) : Number::of_smallest(bits);
  }
};

// What stands at the source of a $rename; missing where nothing does. An array on the way, or at
// its end's parent, is refused.
Value rename_value(View document, const FieldPath& path, bool source) {
  Value value(Type::kDocument, document.data());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (value.is_array()) {
      throw CommandError(ErrorCode::kBadValue,
                         std::string(source ? "The source" : "The destination") +
                             " field cannot be an array element, '" + path.dotted() +
                             "' in doc with _id: " + value_text(document["_id"]) +
                             " has an array field called '" + path[i - 1] + "'");
    }
    if (!value.is_document()) return {};
    value = value.as_document()[path[i]];
  }
  return value;
}

class RenameTargetOperator final : public UpdateOperator {
  FieldPath source_;
  FieldPath target_;

 public:
  RenameTargetOperator(std::string_view source, std::string_view target)
      : UpdateOperator(target), source_(source), target_(target) {}

  Value apply(Value current, UpdateRun& run) const override {
    const Value moved = rename_value(run.document, source_, true);
    if (moved.is_missing()) return current;
    static_cast<void>(rename_value(run.document, target_, false));
    return moved;
  }
  bool creates(const UpdateRun& run) const override {
    return !rename_value(run.document, source_, true).is_missing();
  }
};

class RenameSourceOperator final : public UpdateOperator {
  FieldPath source_;

 public:
  explicit RenameSourceOperator(std::string_view source)
      : UpdateOperator(source), source_(source) {}

  Value apply(Value /*current*/, UpdateRun& run) const override {
    static_cast<void>(rename_value(run.document, source_, true));
    return {};
  }
  bool creates(const UpdateRun& /*run*/) const override { return false; }
};

struct Factory {
  std::string_view name;
  UpdateOperatorPtr (*make)(std::string_view path, Value operand);
};

template <class Operator>
UpdateOperatorPtr make(std::string_view path, Value operand) {
  return std::make_unique<Operator>(path, operand);
}

constexpr std::array kFactories = {
    Factory{"$set", make<SetOperator>},
    Factory{"$setOnInsert", make<SetOnInsertOperator>},
    Factory{"$unset",
            [](std::string_view path, Value) -> UpdateOperatorPtr {
              return std::make_unique<UnsetOperator>(path);
            }},
    Factory{"$inc",
            [](std::string_view path, Value operand) -> UpdateOperatorPtr {
              return std::make_unique<ArithmeticOperator>("$inc", path, &add, operand);
            }},
    Factory{"$mul",
            [](std::string_view path, Value operand) -> UpdateOperatorPtr {
              return std::make_unique<ArithmeticOperator>("$mul", path, &multiply, operand);
            }},
    Factory{"$min",
            [](std::string_view path, Value operand) -> UpdateOperatorPtr {
              return std::make_unique<ExtremeOperator>(path, -1, operand);
            }},
    Factory{"$max",
            [](std::string_view path, Value operand) -> UpdateOperatorPtr {
              return std::make_unique<ExtremeOperator>(path, 1, operand);
            }},
    Factory{"$currentDate", make<CurrentDateOperator>},
    Factory{"$bit", make<BitOperator>},
    Factory{"$push", make_push},
    Factory{"$addToSet", make_add_to_set},
    Factory{"$pull", make_pull},
    Factory{"$pullAll", make_pull_all},
    Factory{"$pop", make_pop},
};

}  // namespace

std::string UpdateOperator::name() const { return path_.substr(path_.rfind('.') + 1); }

std::string describe_id(View document) {
  const Value id = document["_id"];
  return id.is_missing() ? "{}" : "{_id: " + value_text(id) + "}";
}

bool is_update_operator(std::string_view name) {
  return std::ranges::find(kFactories, name, &Factory::name) != kFactories.end();
}

UpdateOperatorPtr make_update_operator(std::string_view name, std::string_view path,
                                       Value operand) {
  return std::ranges::find(kFactories, name, &Factory::name)->make(path, operand);
}

UpdateOperatorPtr make_set(std::string_view path, Value operand) {
  return std::make_unique<SetOperator>(path, operand);
}

UpdateOperatorPtr make_rename_source(std::string_view source) {
  return std::make_unique<RenameSourceOperator>(source);
}

UpdateOperatorPtr make_rename_target(std::string_view source, std::string_view target) {
  return std::make_unique<RenameTargetOperator>(source, target);
}

}  // namespace gesso::localdb
