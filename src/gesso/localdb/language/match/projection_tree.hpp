// What a projection is compiled to. Internal to match/projection.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/localdb/language/aggregate/expression.hpp"
#include "gesso/localdb/language/match/projection.hpp"

namespace gesso::localdb {

// A field of the projection and what is below it.
struct ProjectionNode {
  enum class Action { kChildren, kInclude, kExclude, kExpression, kSlice, kElemMatch, kPositional };

  std::string name = {};
  Action action = Action::kChildren;
  std::vector<ProjectionNode> children = {};
  ExpressionPtr expression = {};
  std::int64_t slice_skip = 0;  // negative: from the end
  std::int64_t slice_count = 0;
  bool slice_from_end = false;  // the last `slice_count`
  std::unique_ptr<Matcher> element = {};
  std::string array_path = {};  // of kPositional
  bool computes = false;        // an expression or $elemMatch here or below

  [[nodiscard]] const ProjectionNode* find(std::string_view key) const;
};

enum class ProjectionMode {
  kInclude,    // what is not named goes, computed fields stand at the end
  kExclude,    // what is not named stays
  kAddFields,  // what is not named stays, computed fields replace what has their name
};

struct ProjectionTree {
  ProjectionNode root = {};
  ProjectionMode mode = ProjectionMode::kExclude;
  bool has_positional = false;
  ExpressionScope scope = {};

  // Throws CommandError.
  static void build(ProjectionTree& tree, bson::View spec, ProjectionKind kind);
};

}  // namespace gesso::localdb
