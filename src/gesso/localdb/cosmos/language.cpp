#include "gesso/localdb/cosmos/language.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "gesso/localdb/cosmos/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb::cosmos {
namespace {

constexpr int kUnknownStage = 40324;
constexpr int kUnknownExpression = 168;

void check_expression(bson::Value value);
void check_pipeline(bson::View stages);

bool is_operator(std::string_view name) { return name.starts_with('$'); }

// The shapes that geoWithin is given in, of which $geometry alone is understood.
bool is_flat_shape(std::string_view name) {
  return name == "$center" || name == "$centerSphere" || name == "$box" || name == "$polygon";
}

// A DBRef's fields are none.
bool is_reference(std::string_view name) {
  return name == "$ref" || name == "$id" || name == "$db";
}

void check_condition(bson::Value value);

void check_filter(bson::View filter) {
  for (const auto& [name, value] : filter) {
    if (!is_operator(name)) {
      check_condition(value);
      continue;
    }
    if (!is_query_operator(name)) {
      throw CommandError(ErrorCode::kBadValue, "unknown top level operator: " + std::string(name));
    }
    if (name == "$expr") {
      check_expression(value);
    } else if (value.is_array()) {
      for (const auto& [key, branch] : value.as_document()) {
        if (branch.is_document()) check_filter(branch.as_document());
      }
    }
  }
}

// What stands behind a field's name.
void check_condition(bson::Value value) {
  if (!value.is_document()) return;
  for (const auto& [name, operand] : value.as_document()) {
    if (!is_operator(name)) return;  // a value
    if (is_reference(name)) return;
    if (!is_query_operator(name) || is_flat_shape(name)) {
      throw CommandError(ErrorCode::kBadValue, "unknown operator: " + std::string(name));
    }
    if (name == "$not" || name == "$geoWithin" || name == "$geoIntersects") {
      check_condition(operand);
    } else if (name == "$elemMatch" && operand.is_document()) {
      check_filter(operand.as_document());
    }
  }
}

// "doesn't support comparison expressions that have an array literal".
void check_no_array_literal(std::string_view name, bson::Value operands) {
  static constexpr std::array<std::string_view, 7> kComparisons = {"$cmp", "$eq",  "$gt", "$gte",
                                                                   "$lt",  "$lte", "$ne"};
  if (std::ranges::find(kComparisons, name) == kComparisons.end() || !operands.is_array()) return;
  for (const auto& [key, operand] : operands.as_document()) {
    if (!operand.is_array()) continue;
    throw CommandError(ErrorCode::kBadValue,
                       std::string(name) + " does not support an array literal as an operand");
  }
}

void check_expression(bson::Value value) {
  if (!value.is_document() && !value.is_array()) return;
  for (const auto& [name, operand] : value.as_document()) {
    if (value.is_document() && is_operator(name)) {
      if (!is_expression(name)) {
        throw CommandError(kUnknownExpression,
                           "Unrecognized expression '" + std::string(name) + "'");
      }
      if (name == "$literal") continue;
      check_no_array_literal(name, operand);
    }
    check_expression(operand);
  }
}

void check_lookup(bson::View spec) {
  for (const std::string_view field : {"let", "pipeline"}) {
    if (!spec.contains(field)) continue;
    throw CommandError(ErrorCode::kFailedToParse,
                       "Unrecognized parameter to $lookup: " + std::string(field));
  }
}

void check_stage(std::string_view name, bson::Value spec) {
  if (!is_stage(name)) {
    throw CommandError(kUnknownStage, "Unrecognized pipeline stage name: " + std::string(name));
  }
  if (name == "$match") {
    if (spec.is_document()) check_filter(spec.as_document());
  } else if (name == "$lookup") {
    if (spec.is_document()) check_lookup(spec.as_document());
  } else if (name == "$facet") {
    if (!spec.is_document()) return;
    for (const auto& [key, pipeline] : spec.as_document()) {
      if (pipeline.is_array()) check_pipeline(pipeline.as_document());
    }
  } else if (name != "$sort" && name != "$changeStream" && name != "$merge") {
    check_expression(spec);
  }
}

void check_pipeline(bson::View stages) {
  for (const auto& [key, stage] : stages) {
    if (!stage.is_document() || stage.as_document().empty()) continue;
    const bson::Element first = *stage.as_document().begin();
    check_stage(first.key, first.value);
  }
}

void check_update(bson::Value update) {
  if (update.is_array()) return check_pipeline(update.as_document());
  if (!update.is_document()) return;
  for (const auto& [name, operand] : update.as_document()) {
    if (!is_operator(name)) return;  // a replacement
    if (is_update_operator(name)) continue;
    throw CommandError(ErrorCode::kFailedToParse, "Unknown modifier: " + std::string(name));
  }
}

void check_projection(bson::View projection) {
  for (const auto& [path, value] : projection) {
    if (!value.is_document()) continue;
    for (const auto& [name, operand] : value.as_document()) {
      if (!is_operator(name) || is_projection_operator(name)) continue;
      throw CommandError(ErrorCode::kBadValue,
                         "Unsupported projection option: " + std::string(name));
    }
  }
}

void check_statement(bson::View statement) {
  for (const auto& [name, value] : statement) {
    if (name == "q" || name == "query") {
      if (value.is_document()) check_filter(value.as_document());
    } else if (name == "u") {
      check_update(value);
    }
  }
}

// The fields of a command that hold a language.
void check_field(std::string_view command, const bson::Element& field) {
  const auto& [name, value] = field;
  if (name == "pipeline" && value.is_array()) return check_pipeline(value.as_document());
  if (name == "update" && command != "update") return check_update(value);
  if (!value.is_document() && !value.is_array()) return;
  if (name == "updates" || name == "deletes") {
    for (const auto& [key, statement] : value.as_document()) {
      if (statement.is_document()) check_statement(statement.as_document());
    }
  } else if (name == "projection" || (name == "fields" && command != "count")) {
    check_projection(value.as_document());
  } else if (name == "filter" && command == "find") {
    check_filter(value.as_document());
  } else if (name == "query") {
    check_filter(value.as_document());
  }
}

}  // namespace

void check_language(const wire::Message& message) {
  const std::string_view command =
      message.body.empty() ? std::string_view() : message.body.begin()->key;
  for (const bson::Element& field : message.body) check_field(command, field);
  for (const wire::Sequence& sequence : message.sequences) {
    if (sequence.name != "updates" && sequence.name != "deletes") continue;
    for (const bson::View statement : sequence.documents) check_statement(statement);
  }
}

}  // namespace gesso::localdb::cosmos
