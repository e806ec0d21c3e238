#include "gesso/localdb/language/update/update.hpp"

#include <cstring>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/compare.hpp"
#include "gesso/localdb/language/aggregate/pipeline.hpp"
#include "gesso/localdb/language/aggregate/transform.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/update/tree.hpp"

namespace gesso::localdb {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;

// One of the three forms of an update.
class Update::Impl {
 public:
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  virtual ~Impl() = default;

  [[nodiscard]] virtual bson::Document apply(View document, const MatchDetails* details,
                                             Time now) const = 0;
  // Over the seed that the query gives.
  [[nodiscard]] virtual bson::Document insert(const bson::Document& seed, Time now) const = 0;
  [[nodiscard]] virtual bool is_replacement() const { return false; }
  [[nodiscard]] virtual bool is_pipeline() const { return false; }
  [[nodiscard]] virtual bool needs_details() const { return false; }
};

namespace {

[[noreturn]] void refuse_new_id(Value id) {
  throw CommandError(ErrorCode::kImmutableField,
                     "After applying the update, the (immutable) field '_id' was found to have "
                     "been altered to _id: " +
                         value_text(id));
}

void check_id_type(Value id) {
  if (!id.is_array() && !id.is(Type::kRegex) && !id.is(Type::kUndefined)) return;
  throw CommandError(ErrorCode::kInvalidIdField, "The '_id' value cannot be of type " +
                                                     std::string(bson::type_name(id.type())));
}

// `document` with that `_id` in the first place.
bson::Document with_id(Value id, View document) {
  const auto first = document.begin();
  if (id.is_missing() || (first != document.end() && first->key == "_id")) {
    return bson::Document(document);
  }
  bson::Builder builder;
  builder.reserve(document.size() + 32);
  builder.append("_id", id);
  for (const Element& element : document) {
    if (element.key != "_id") builder.append_element(element);
  }
  return builder.finish();
}

// What an update made of a document that had `original` as `_id` (missing: none yet).
bson::Document settle_id(Value original, bson::Document result) {
  const Value id = result["_id"];
  if (!original.is_missing() && !id.is_missing() && !bson::equal(original, id)) refuse_new_id(id);
  check_id_type(id);
  return with_id(id.is_missing() ? original : id, result);
}

// Each update could nest a document deeper than the one before.
void check_depth(View document, int levels) {
  if (levels == 0) {
    throw CommandError(ErrorCode::kOverflow, "the updated document is nested too deeply");
  }
  for (const Element& element : document) {
    if (element.value.is_document() || element.value.is_array()) {
      check_depth(element.value.as_document(), levels - 1);
    }
  }
}

class OperatorUpdate final : public Update::Impl {
  bson::Document spec_;  // operators borrow their operands from it
  std::vector<ArrayFilter> filters_;
  UpdateNode root_;
  bool positional_ = false;

 public:
  OperatorUpdate(View spec, Value array_filters, const Variables& variables)
      : spec_(spec), filters_(parse_array_filters(array_filters, variables)) {
    build_tree(root_, spec_, filters_);
    for (const ArrayFilter& filter : filters_) {
      if (filter.used) continue;
      throw CommandError(ErrorCode::kFailedToParse,
                         "The array filter for identifier '" + filter.identifier +
                             "' was not used in the update " + value_text(spec));
    }
    positional_ = has_positional(root_);
  }

  bool needs_details() const override { return positional_; }

  bson::Document apply(View document, const MatchDetails* details, Time now) const override {
    Arena arena;
    UpdateRun run{.document = document, .arena = arena, .now = now, .details = details};
    bson::Document result = apply_tree(root_, filters_, run);
    const Value before = document["_id"];
    const Value after = result["_id"];
    if (!before.is_missing() && !bson::equal(before, after)) {
      throw CommandError(ErrorCode::kImmutableField,
                         "Performing an update on the path '_id' would modify the immutable field "
                         "'_id'");
    }
    return settle_id(before, std::move(result));
  }

  bson::Document insert(const bson::Document& seed, Time now) const override {
    Arena arena;
    UpdateRun run{.document = seed, .arena = arena, .now = now, .insert = true};
    return settle_id(seed["_id"], apply_tree(root_, filters_, run));
  }

 private:
  static bool has_positional(const UpdateNode& node) {
    for (const auto& [component, child] : node.children) {
      if (component == "$" || has_positional(child)) return true;
    }
    return false;
  }
};

class Replacement final : public Update::Impl {
  bson::Document document_;
  bool has_empty_timestamps_ = false;  // that are to be replaced

 public:
  Replacement(View document, EmptyTimestamps empty) : document_(document) {
    for (const Element& element : document) {
      if (empty == EmptyTimestamps::kReplace && element.key != "_id" &&
          is_empty_timestamp(element.value)) {
        has_empty_timestamps_ = true;
      }
      if (!element.key.starts_with('$')) continue;
      throw CommandError(ErrorCode::kDollarPrefixedFieldName,
                         "The dollar ($) prefixed field '" + std::string(element.key) + "' in '" +
                             std::string(element.key) +
                             "' is not allowed in the context of an update's replacement document. "
                             "Consider using an aggregation pipeline with $replaceWith.");
    }
  }

  bool is_replacement() const override { return true; }
  bson::Document apply(View document, const MatchDetails* /*details*/, Time now) const override {
    return settle_id(document["_id"], document_at(now));
  }
  bson::Document insert(const bson::Document& seed, Time now) const override {
    return settle_id(seed["_id"], document_at(now));
  }

 private:
  [[nodiscard]] bson::Document document_at(Time now) const {
    if (!has_empty_timestamps_) return document_;
    bson::Builder builder;
    builder.reserve(document_.size());
    for (const Element& element : document_.view()) {
      if (element.key != "_id" && is_empty_timestamp(element.value)) {
        builder.append(element.key, timestamp_at(now));
      } else {
        builder.append_element(element);
      }
    }
    return builder.finish();
  }
};

class PipelineUpdate final : public Update::Impl {
  std::vector<DocumentTransformPtr> stages_;

 public:
  PipelineUpdate(View stages, const Variables& variables) {
    for (const Element& element : stages) {
      const bool one_field =
          element.value.is_document() && element.value.as_document().count() == 1;
      if (!one_field) {
        throw CommandError(40323,
                           "A pipeline stage specification object must contain exactly one "
                           "field.");
      }
      const Element stage = *element.value.as_document().begin();
      DocumentTransformPtr transform = make_transform(stage.key, stage.value, variables);
      if (!transform && !is_stage(stage.key)) {
        throw CommandError(40324,
                           "Unrecognized pipeline stage name: '" + std::string(stage.key) + "'");
      }
      if (!transform) {
        throw CommandError(ErrorCode::kInvalidOptions,
                           std::string(stage.key) + " is not allowed to be used within an update");
      }
      stages_.push_back(std::move(transform));
    }
  }

  bool is_pipeline() const override { return true; }
  bson::Document apply(View document, const MatchDetails* /*details*/,
                       Time /*now*/) const override {
    bson::Document result(document);
    for (const DocumentTransformPtr& stage : stages_) result = stage->apply(result);
    return settle_id(document["_id"], std::move(result));
  }
  bson::Document insert(const bson::Document& seed, Time now) const override {
    return apply(seed, nullptr, now);
  }
};

}  // namespace

Update::Update(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Update::Update(Update&&) noexcept = default;
Update& Update::operator=(Update&&) noexcept = default;
Update::~Update() = default;

Update Update::compile(Value spec, Value array_filters, const Variables& variables,
                       EmptyTimestamps empty) {
  if (spec.is_array()) {
    if (!array_filters.is_missing()) {
      throw CommandError(ErrorCode::kFailedToParse,
                         "Cannot specify arrayFilters and a pipeline update");
    }
    return Update(std::make_unique<PipelineUpdate>(spec.as_document(), variables));
  }
  if (!spec.is_document()) {
    throw CommandError(ErrorCode::kFailedToParse,
                       "Update argument must be either an object or an array");
  }
  const View document = spec.as_document();
  if (!document.empty() && document.begin()->key.starts_with('$')) {
    return Update(std::make_unique<OperatorUpdate>(document, array_filters, variables));
  }
  if (array_filters.is_array() && !array_filters.as_document().empty()) {
    throw CommandError(ErrorCode::kFailedToParse,
                       "Cannot specify arrayFilters and a replacement-style update");
  }
  return Update(std::make_unique<Replacement>(document, empty));
}

bool Update::is_replacement() const noexcept { return impl_->is_replacement(); }
bool Update::is_pipeline() const noexcept { return impl_->is_pipeline(); }

Update::Applied Update::apply(View document, const Matcher* query, Time now) const {
  MatchDetails details;
  const bool located =
      impl_->needs_details() && query != nullptr && query->matches(document, &details);
  Applied applied{.document = impl_->apply(document, located ? &details : nullptr, now)};
  applied.changed = !(applied.document.size() == document.size() &&
                      std::memcmp(applied.document.data(), document.data(), document.size()) == 0);
  if (applied.changed) check_depth(applied.document, bson::View::kMaxDepth);
  return applied;
}

bson::Document Update::upsert(const Matcher& query, Time now) const {
  const SeedFields fields = is_replacement() ? SeedFields::kIdOnly : SeedFields::kAll;
  bson::Document document = impl_->insert(seed_of(query, fields), now);
  check_depth(document, bson::View::kMaxDepth);
  return document;
}

}  // namespace gesso::localdb
