// $unwind: a document for each element of an array.
#include <array>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/operators.hpp"
#include "gesso/localdb/language/aggregate/set_path.hpp"
#include "gesso/localdb/language/aggregate/stages.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

struct UnwindPlan {
  FieldPath path;
  std::optional<FieldPath> index;
  bool preserve_empty = false;
};

class UnwindSource final : public DocumentSource {
  SourcePtr input_;
  const UnwindPlan& plan_;
  std::optional<View> document_;  // whose array is being unwound
  View::Iterator element_;
  std::int64_t position_ = 0;
  bson::Document current_;

 public:
  UnwindSource(SourcePtr input, const UnwindPlan& plan) : input_(std::move(input)), plan_(plan) {}

  std::optional<View> next() override {
    for (;;) {
      if (document_) {
        if (element_ != View::Iterator{}) return next_element();
        document_.reset();
      }
      const auto document = input_->next();
      if (!document) return std::nullopt;
      const Value value = at_path(*document);
      if (value.is_array() && !value.as_document().empty()) {
        document_ = document;
        element_ = value.as_document().begin();
        position_ = 0;
      } else if (const bool empty = value.is_array() || is_nullish(value);
                 !empty || plan_.preserve_empty) {
        return whole(*document, value);
      }
    }
  }

 private:
  // Through documents only.
  Value at_path(View document) const {
    Value value(Type::kDocument, document.data());
    for (const std::string& part : plan_.path.parts()) {
      if (!value.is_document()) return {};
      value = value.as_document()[part];
    }
    return value;
  }

  View next_element() {
    current_ = set_path(*document_, plan_.path, element_->value);
    ++element_;
    if (plan_.index) {
      Arena arena;
      current_ = set_path(current_, *plan_.index, arena.int64(position_));
    }
    ++position_;
    return current_;
  }

  // A document without elements to take it apart by.
  View whole(View document, Value value) {
    if (!plan_.index && !value.is_array()) return document;
    current_ = value.is_array() ? set_path(document, plan_.path, {}) : bson::Document(document);
    if (plan_.index) current_ = set_path(current_, *plan_.index, Arena::null());
    return current_;
  }
};

class UnwindStage final : public Stage {
  UnwindPlan plan_;

 public:
  explicit UnwindStage(UnwindPlan plan) : plan_(std::move(plan)) {}
  SourcePtr open(SourcePtr input, const PipelineContext& /*context*/) const override {
    return std::make_unique<UnwindSource>(std::move(input), plan_);
  }
};

FieldPath parse_path(Value path) {
  if (!path.is_string()) {
    throw CommandError(28808,
                       "expected a string as the path for $unwind stage, got " + type_text(path));
  }
  const std::string_view text = path.as_string();
  if (!text.starts_with('$')) {
    throw CommandError(
        28818, "path option to $unwind stage should be prefixed with a '$': " + std::string(text));
  }
  check_field_path(text.substr(1));
  return FieldPath(text.substr(1));
}

FieldPath parse_index(Value name) {
  if (!name.is_string() || name.as_string().empty()) {
    throw CommandError(28810,
                       "expected a non-empty string for the includeArrayIndex  option to "
                       "$unwind stage, got " +
                           type_text(name));
  }
  if (name.as_string().starts_with('$')) {
    throw CommandError(28822,
                       "includeArrayIndex option to $unwind stage should not be prefixed "
                       "with a '$': " +
                           std::string(name.as_string()));
  }
  check_field_path(name.as_string());
  return FieldPath(name.as_string());
}

StagePtr make_unwind(Value spec, StageBuild&) {
  UnwindPlan plan;
  if (spec.is_string()) {
    plan.path = parse_path(spec);
    return std::make_unique<UnwindStage>(std::move(plan));
  }
  if (!spec.is_document()) {
    throw CommandError(15981,
                       "expected either a string or an object as specification for $unwind "
                       "stage, got " +
                           type_text(spec));
  }
  for (const Element& option : spec.as_document()) {
    if (option.key == "path") {
      plan.path = parse_path(option.value);
    } else if (option.key == "preserveNullAndEmptyArrays") {
      if (!option.value.is(Type::kBool)) {
        throw CommandError(28809,
                           "expected a boolean for the preserveNullAndEmptyArrays option to "
                           "$unwind stage, got " +
                               type_text(option.value));
      }
      plan.preserve_empty = option.value.as_bool();
    } else if (option.key == "includeArrayIndex") {
      plan.index = parse_index(option.value);
    } else {
      throw CommandError(28811, "unrecognized option to $unwind stage: " + std::string(option.key));
    }
  }
  if (plan.path.size() == 0) throw CommandError(28812, "no path specified to $unwind stage");
  return std::make_unique<UnwindStage>(std::move(plan));
}

constexpr std::array kStages = {StageEntry{"$unwind", make_unwind}};

}  // namespace

std::span<const StageEntry> unwind_stages() { return kStages; }

}  // namespace gesso::localdb
