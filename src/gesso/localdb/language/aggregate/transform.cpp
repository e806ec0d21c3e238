#include "gesso/localdb/language/aggregate/transform.hpp"

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/aggregate/expression.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/path.hpp"
#include "gesso/localdb/language/match/projection.hpp"

namespace gesso::localdb {
namespace {

using bson::Value;
using bson::View;

class ProjectionTransform final : public DocumentTransform {
  Projection projection_;

 public:
  ProjectionTransform(View spec, ProjectionKind kind, const Variables& variables)
      : projection_(Projection::compile(spec, kind, variables)) {}

  bson::Document apply(View document) const override { return projection_.apply(document); }
};

class ReplaceRootTransform final : public DocumentTransform {
  ExpressionScope scope_;
  ExpressionPtr new_root_;

 public:
  ReplaceRootTransform(Value spec, const Variables& variables)
      : scope_(variables), new_root_(compile_expression(spec, scope_)) {}

  bson::Document apply(View document) const override {
    Arena arena;
    Evaluation evaluation(document, arena, scope_);
    const Value root = new_root_->evaluate(evaluation);
    if (root.is_document()) return bson::Document(root.as_document());
    throw CommandError(40228,
                       "'newRoot' expression must evaluate to an object, but resulting value "
                       "was: " +
                           value_text(root) + ". Type of resulting value: '" +
                           std::string(bson::type_name(root.type())) + "'");
  }
};

bson::Document unset_spec(Value spec) {
  bson::Builder exclusion;
  const auto exclude = [&exclusion](Value name) {
    if (!name.is_string()) {
      throw CommandError(31120,
                         "$unset specification must be a string or an array containing only "
                         "string values");
    }
    check_field_path(name.as_string());
    exclusion.append(name.as_string(), std::int32_t{0});
  };
  if (spec.is_array()) {
    if (spec.as_document().empty()) {
      throw CommandError(31119,
                         "$unset specification must be a string or an array with at least one "
                         "field");
    }
    for (const bson::Element& element : spec.as_document()) exclude(element.value);
  } else if (spec.is_string()) {
    exclude(spec);
  } else {
    throw CommandError(31002, "$unset specification must be a string or an array");
  }
  return exclusion.finish();
}

Value new_root_of(Value spec) {
  if (!spec.is_document()) {
    throw CommandError(40229, "expected an object as specification for $replaceRoot stage, got " +
                                  std::string(bson::type_name(spec.type())));
  }
  Value new_root;
  for (const bson::Element& element : spec.as_document()) {
    if (element.key != "newRoot") {
      throw CommandError(
          ErrorCode::kUnknownField,
          "BSON field '$replaceRoot." + std::string(element.key) + "' is an unknown field.");
    }
    new_root = element.value;
  }
  if (new_root.is_missing()) {
    throw CommandError(40231, "no newRoot specified for the $replaceRoot stage");
  }
  return new_root;
}

}  // namespace

DocumentTransformPtr make_transform(std::string_view name, Value spec, const Variables& variables) {
  if (name == "$project") {
    if (!spec.is_document()) {
      throw CommandError(15969, "$project specification must be an object");
    }
    return std::make_unique<ProjectionTransform>(spec.as_document(), ProjectionKind::kProject,
                                                 variables);
  }
  if (name == "$addFields" || name == "$set") {
    if (!spec.is_document()) {
      throw CommandError(40272, std::string(name) + " specification stage must be an object, got " +
                                    std::string(bson::type_name(spec.type())));
    }
    return std::make_unique<ProjectionTransform>(spec.as_document(), ProjectionKind::kAddFields,
                                                 variables);
  }
  if (name == "$unset") {
    return std::make_unique<ProjectionTransform>(unset_spec(spec), ProjectionKind::kProject,
                                                 variables);
  }
  if (name == "$replaceRoot") {
    return std::make_unique<ReplaceRootTransform>(new_root_of(spec), variables);
  }
  if (name == "$replaceWith") return std::make_unique<ReplaceRootTransform>(spec, variables);
  return nullptr;
}

}  // namespace gesso::localdb
