// $push, $addToSet, $pull, $pullAll and $pop.
#include <algorithm>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/value_order.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/nodes.hpp"
#include "gesso/localdb/language/match/sort.hpp"
#include "gesso/localdb/language/metered_compare.hpp"
#include "gesso/localdb/language/update/operators.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

using Values = std::vector<Value>;

[[noreturn]] void fail(const std::string& message) {
  throw CommandError(ErrorCode::kBadValue, message);
}

std::string type_of(Value value) { return std::string(bson::type_name(value.type())); }

Values elements_of(Value array) {
  Values values;
  if (array.is_missing()) return values;
  for (const Element& element : array.as_document()) values.push_back(element.value);
  return values;
}

Values parse_each(std::string_view operator_name, Value each) {
  if (!each.is_array()) {
    fail("The argument to $each in " + std::string(operator_name) +
         " must be an array but it was of type " + type_of(each));
  }
  return elements_of(each);
}

class PushOperator final : public UpdateOperator {
  Values values_;
  std::optional<std::int64_t> position_;
  std::optional<std::int64_t> slice_;
  int sort_elements_ = 0;  // by their whole value, ascending or descending
  SortSpec sort_;          // by their fields

 public:
  PushOperator(std::string_view path, Value operand) : UpdateOperator(path) {
    if (!operand.is_document() || !operand.as_document().contains("$each")) {
      values_.push_back(operand);
      return;
    }
    for (const Element& clause : operand.as_document()) {
      if (clause.key == "$each") {
        values_ = parse_each("$push", clause.value);
      } else if (clause.key == "$position") {
        position_ = integer("$position", clause.value);
      } else if (clause.key == "$slice") {
        slice_ = integer("$slice", clause.value);
      } else if (clause.key == "$sort") {
        parse_sort(clause.value);
      } else {
        fail("Unrecognized clause in $push: " + std::string(clause.key));
      }
    }
  }

  Value apply(Value current, UpdateRun& run) const override {
    if (!current.is_missing() && !current.is_array()) {
      fail("The field '" + path() + "' must be an array but is of type " + type_of(current) +
           " in document " + describe_id(run.document));
    }
    Values result = elements_of(current);
    result.insert(result.begin() + insertion_point(result.size()), values_.begin(), values_.end());
    sort(result);
    slice(result);
    return run.arena.array(result);
  }

 private:
  static std::int64_t integer(const std::string& clause, Value value) {
    const auto number = value.is_number() ? value.integer() : std::nullopt;
    if (!number) {
      fail("The value for " + clause +
           " must be an integer value but was given type: " + type_of(value));
    }
    return *number;
  }

  void parse_sort(Value spec) {
    if (spec.is_document() && !spec.as_document().empty()) {
      try {
        sort_ = SortSpec::parse(spec.as_document());
      } catch (const CommandError& error) {
        fail(std::string("The $sort is invalid: ") + error.what());
      }
      return;
    }
    const double direction = spec.is_number() ? spec.number() : 0;
    if (direction != 1 && direction != -1) {
      fail(
          "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort "
          "embedded fields");
    }
    sort_elements_ = direction > 0 ? 1 : -1;
  }

  std::ptrdiff_t insertion_point(std::size_t size) const {
    const auto count = static_cast<std::int64_t>(size);
    if (!position_ || *position_ >= count) return count;
    return *position_ >= 0 ? *position_
                           : std::max<std::int64_t>(0, count + std::max(*position_, -count));
  }

  void sort(Values& values) const {
    if (sort_elements_ != 0) {
      std::ranges::stable_sort(values, [this](Value left, Value right) {
        return metered_compare(left, right) * sort_elements_ < 0;
      });
    } else if (!sort_.empty()) {
      std::ranges::stable_sort(values, [this](Value left, Value right) {
        return sort_.compare(as_view(left), as_view(right)) < 0;
      });
    }
  }
  // What is no document has none of the fields that the sort is by.
  static View as_view(Value value) { return value.is_document() ? value.as_document() : View(); }

  void slice(Values& values) const {
    if (!slice_) return;
    const auto size = static_cast<std::int64_t>(values.size());
    if (*slice_ >= 0) {
      values.resize(static_cast<std::size_t>(std::min(size, *slice_)));
    } else {
      const std::int64_t kept = std::min(size, -std::max(*slice_, -size));
      values.erase(values.begin(), values.begin() + (size - kept));
    }
  }
};

bool contains(const Values& values, Value wanted) {
  return std::ranges::any_of(values, [wanted](Value value) { return bson::equal(value, wanted); });
}

// Appends each of `added` that is not there yet.
void unite(Values& values, const Values& added) {
  if (added.size() == 1) {
    if (!contains(values, added[0])) values.push_back(added[0]);
    return;
  }
  ValueSet seen(values.begin(), values.end());
  for (const Value value : added) {
    if (seen.insert(value).second) values.push_back(value);
  }
}

class AddToSetOperator final : public UpdateOperator {
  Values values_;

 public:
  AddToSetOperator(std::string_view path, Value operand) : UpdateOperator(path) {
    const bool each = operand.is_document() && !operand.as_document().empty() &&
                      operand.as_document().begin()->key == "$each";
    if (!each) {
      values_.push_back(operand);
      return;
    }
    if (operand.as_document().count() > 1) {
      fail("Found unexpected fields after $each in $addToSet: " + value_text(operand));
    }
    unite(values_, parse_each("$addToSet", operand.as_document()["$each"]));
  }

  Value apply(Value current, UpdateRun& run) const override {
    if (!current.is_missing() && !current.is_array()) {
      fail("Cannot apply $addToSet to non-array field. Field named '" + name() +
           "' has non-array type " + type_of(current));
    }
    Values result = elements_of(current);
    const std::size_t before = result.size();
    unite(result, values_);
    if (result.size() == before && !current.is_missing()) return current;
    return run.arena.array(result);
  }
};

// What $pull, $pullAll and $pop share: they make nothing, and refuse what is no array.
class RemovingOperator : public UpdateOperator {
 public:
  using UpdateOperator::UpdateOperator;
  bool creates(const UpdateRun& /*run*/) const override { return false; }

 protected:
  template <class Goes>
  static Value without(Value array, UpdateRun& run, Goes goes) {
    Values values = elements_of(array);
    if (std::erase_if(values, goes) == 0) return array;
    return run.arena.array(values);
  }
};

class PullOperator final : public RemovingOperator {
  enum class Form { kValue, kDocuments, kCondition };
  Value operand_;
  Form form_ = Form::kValue;
  std::optional<Matcher> matcher_;

 public:
  PullOperator(std::string_view path, Value operand) : RemovingOperator(path), operand_(operand) {
    if (operand.is(Type::kRegex) ||
        (operand.is_document() && is_condition(operand.as_document()))) {
      form_ = Form::kCondition;
      matcher_ = Matcher::compile(bson::make_document("x", operand), {}, FilterPlace::kNested);
    } else if (operand.is_document()) {
      form_ = Form::kDocuments;
      matcher_ = Matcher::compile(operand.as_document(), {}, FilterPlace::kNested);
    }
  }

  Value apply(Value current, UpdateRun& run) const override {
    if (current.is_missing()) return current;
    if (!current.is_array()) fail("Cannot apply $pull to a non-array value");
    return without(current, run, [this](Value value) { return goes(value); });
  }

 private:
  // {$gt: 5} is about the element, {$or: [{a: 1}, ...]} about its fields.
  static bool is_condition(View operand) {
    if (!is_operator_document(operand)) return false;
    const std::string_view first = operand.begin()->key;
    return first != "$and" && first != "$or" && first != "$nor";
  }

  bool goes(Value value) const {
    switch (form_) {
      case Form::kValue:
        return bson::equal(value, operand_);
      case Form::kDocuments:
        return value.is_document() && matcher_->matches(value.as_document());
      case Form::kCondition:
        return matcher_->matches(bson::make_document("x", value));
    }
    return false;
  }
};

class PullAllOperator final : public RemovingOperator {
  ValueSet values_;

 public:
  PullAllOperator(std::string_view path, Value operand) : RemovingOperator(path) {
    if (!operand.is_array()) {
      fail("$pullAll requires an array argument but was given a " + type_of(operand));
    }
    for (const Element& element : operand.as_document()) values_.insert(element.value);
  }

  Value apply(Value current, UpdateRun& run) const override {
    if (current.is_missing()) return current;
    if (!current.is_array()) fail("Cannot apply $pullAll to a non-array value");
    return without(current, run, [this](Value value) { return values_.contains(value); });
  }
};

class PopOperator final : public RemovingOperator {
  bool first_ = false;

 public:
  PopOperator(std::string_view path, Value operand) : RemovingOperator(path) {
    const double end = operand.is_number() ? operand.number() : 0;
    if (end != 1 && end != -1) {
      throw CommandError(ErrorCode::kFailedToParse,
                         "$pop expects 1 or -1, found: " + value_text(operand));
    }
    first_ = end < 0;
  }

  Value apply(Value current, UpdateRun& run) const override {
    if (current.is_missing()) return current;
    if (!current.is_array()) {
      throw CommandError(
          ErrorCode::kTypeMismatch,
          "Path '" + path() + "' contains an element of non-array type '" + type_of(current) + "'");
    }
    Values values = elements_of(current);
    if (values.empty()) return current;
    values.erase(first_ ? values.begin() : values.end() - 1);
    return run.arena.array(values);
  }
};

}  // namespace

UpdateOperatorPtr make_push(std::string_view path, Value operand) {
  return std::make_unique<PushOperator>(path, operand);
}
UpdateOperatorPtr make_add_to_set(std::string_view path, Value operand) {
  return std::make_unique<AddToSetOperator>(path, operand);
}
UpdateOperatorPtr make_pull(std::string_view path, Value operand) {
  return std::make_unique<PullOperator>(path, operand);
}
UpdateOperatorPtr make_pull_all(std::string_view path, Value operand) {
  return std::make_unique<PullAllOperator>(path, operand);
}
UpdateOperatorPtr make_pop(std::string_view path, Value operand) {
  return std::make_unique<PopOperator>(path, operand);
}

}  // namespace gesso::localdb
