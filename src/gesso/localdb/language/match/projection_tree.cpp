#include "gesso/localdb/language/match/projection_tree.hpp"

#include <algorithm>

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/nodes.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;
using Action = ProjectionNode::Action;

class TreeBuilder {
  ProjectionTree& tree_;
  const ProjectionKind kind_;
  std::optional<ProjectionMode> mode_;  // once a field has decided it
  std::optional<bool> id_included_;

 public:
  TreeBuilder(ProjectionTree& tree, ProjectionKind kind) : tree_(tree), kind_(kind) {}

  void build(View spec) {
    if (spec.empty() && kind_ == ProjectionKind::kProject) {
      throw CommandError(51272,
                         "Invalid $project :: caused by :: projection specification must "
                         "have at least one field");
    }
    if (spec.empty() && kind_ == ProjectionKind::kAddFields) {
      throw CommandError(40177, "$addFields specification stage must have at least one field");
    }
    fields(spec, "");
    settle();
    mark_computing(tree_.root);
  }

 private:
  // What `_id` alone decides, and that it stays unless excluded.
  void settle() {
    if (kind_ == ProjectionKind::kAddFields) {
      tree_.mode = ProjectionMode::kAddFields;
      return;
    }
    if (!mode_) {
      mode_ = id_included_.value_or(false) ? ProjectionMode::kInclude : ProjectionMode::kExclude;
    }
    tree_.mode = *mode_;
    if (id_included_) {
      const bool named = *id_included_ == (*mode_ == ProjectionMode::kInclude);
      if (named) leaf("_id", *id_included_ ? Action::kInclude : Action::kExclude);
    } else if (*mode_ == ProjectionMode::kInclude && tree_.root.find("_id") == nullptr) {
      leaf("_id", Action::kInclude);
    }
  }

  static bool mark_computing(ProjectionNode& node) {
    node.computes = node.action == Action::kExpression || node.action == Action::kElemMatch;
    for (ProjectionNode& child : node.children) {
      if (mark_computing(child)) node.computes = true;
    }
    return node.computes;
  }

  void fields(View spec, const std::string& prefix) {
    for (const Element& element : spec) {
      const std::string path = prefix + std::string(element.key);
      if (!prefix.empty() && element.key.find('.') != std::string_view::npos &&
          kind_ == ProjectionKind::kAddFields) {
        throw CommandError(
            40183, "FieldPath field names may not contain '.' in a sub-object: '" + path + "'");
      }
      field(path, element.value);
    }
  }

  void field(const std::string& path, Value value) {
    if (kind_ == ProjectionKind::kAddFields) return computed(path, value);
    if (kind_ == ProjectionKind::kFind && is_positional(path)) return positional(path, value);
    check_field_path(path);
    if (value.is_number() || value.is(Type::kBool)) return flag(path, value.truthy());
    if (value.is_document()) return document(path, value);
    expression(path, value);
  }

  static bool is_positional(const std::string& path) {
    return path.ends_with(".$") || path.find(".$.") != std::string::npos;
  }

  void computed(const std::string& path, Value value) {
    check_field_path(path);
    if (value.is_document() && !value.as_document().empty() &&
        !is_operator_document(value.as_document())) {
      return fields(value.as_document(), path + ".");
    }
    expression(path, value);
  }

  void document(const std::string& path, Value value) {
    const View view = value.as_document();
    if (view.empty()) {
      throw CommandError(
          51270, "An empty sub-projection is not a valid value. Found empty object at path");
    }
    if (!is_operator_document(view)) return fields(view, path + ".");
    if (kind_ == ProjectionKind::kFind) {
      const Element first = *view.begin();
      if (first.key == "$elemMatch") return elem_match(path, first.value);
      if (first.key == "$slice" && is_find_slice(first.value)) return slice(path, first.value);
    }
    expression(path, value);
  }

  void decide(const std::string& path, ProjectionMode mode) {
    if (!mode_) mode_ = mode;
    if (*mode_ == mode) return;
    if (mode == ProjectionMode::kInclude) {
      throw CommandError(31253, "Invalid projection :: caused by :: Cannot do inclusion on field " +
                                    path + " in exclusion projection");
    }
    throw CommandError(31254, "Invalid projection :: caused by :: Cannot do exclusion on field " +
                                  path + " in inclusion projection");
  }

  void flag(const std::string& path, bool included) {
    if (path == "_id") {
      if (id_included_) collide(path, path);
      id_included_ = included;
      return;
    }
    decide(path, included ? ProjectionMode::kInclude : ProjectionMode::kExclude);
    leaf(path, included ? Action::kInclude : Action::kExclude);
  }

  void expression(const std::string& path, Value value) {
    if (kind_ != ProjectionKind::kAddFields) {
      if (mode_ == ProjectionMode::kExclude) {
        throw CommandError(31252, "Invalid projection :: caused by :: Cannot use an expression " +
                                      path + ": " + value_text(value) +
                                      " in an exclusion projection");
      }
      mode_ = ProjectionMode::kInclude;
    }
    leaf(path, Action::kExpression).expression = compile_expression(value, tree_.scope);
  }

  void elem_match(const std::string& path, Value value) {
    if (path.find('.') != std::string::npos) {
      throw CommandError(31275, "Cannot use $elemMatch projection on a nested field");
    }
    if (!value.is_document())
      throw CommandError(31274, "elemMatch: Invalid argument, object required");
    decide(path, ProjectionMode::kInclude);
    // As a condition on a field, so that both of its forms are understood.
    const bson::Document filter =
        bson::make_document(path, bson::make_document("$elemMatch", value));
    leaf(path, Action::kElemMatch).element = std::make_unique<Matcher>(Matcher::compile(filter));
  }

  // {$slice: 5} and {$slice: [1, 2]}; {$slice: ["$array", 2]} is the expression.
  static bool is_find_slice(Value value) {
    if (!value.is_array()) return value.is_number();
    const View view = value.as_document();
    return view.count() == 2 && view.begin()->value.is_number();
  }

  static std::int64_t slice_number(Value value) {
    const auto number = value.is_number() ? value.integer() : std::nullopt;
    if (!number) throw CommandError(28667, "Invalid $slice syntax: an integer is required");
    return *number;
  }

  void slice(const std::string& path, Value value) {
    ProjectionNode& node = leaf(path, Action::kSlice);
    if (value.is_number()) {
      const std::int64_t count = slice_number(value);
      node.slice_from_end = count < 0;
      node.slice_count = count < 0 ? (count == INT64_MIN ? INT64_MAX : -count) : count;
      return;
    }
    auto it = value.as_document().begin();
    node.slice_skip = slice_number(it->value);
    ++it;
    node.slice_count = slice_number(it->value);
    if (node.slice_count <= 0) {
      throw CommandError(28724,
                         "First argument to $slice must be positive when an offset is given");
    }
  }

  void positional(const std::string& path, Value value) {
    if (!path.ends_with(".$") || path.find(".$.") != std::string::npos) {
      throw CommandError(31394,
                         "As of 4.4, it's illegal to specify positional operator in the "
                         "middle of a path. Positional projection may only be used at the "
                         "end, for example: a.b.$");
    }
    if (!value.truthy()) {
      throw CommandError(31395, "positional projection cannot be used with exclusion");
    }
    if (tree_.has_positional) {
      throw CommandError(31276, "Cannot specify more than one positional projection per query.");
    }
    tree_.has_positional = true;
    const std::string array_path = path.substr(0, path.size() - 2);
    check_field_path(array_path);
    decide(path, ProjectionMode::kInclude);
    leaf(array_path, Action::kPositional).array_path = array_path;
  }

  [[noreturn]] static void collide(const std::string& path, std::string_view remaining) {
    if (remaining.empty() || remaining == path) {
      throw CommandError(31250, "Invalid projection :: caused by :: Path collision at " + path);
    }
    throw CommandError(31249, "Invalid projection :: caused by :: Path collision at " + path +
                                  " remaining portion " + std::string(remaining));
  }

  ProjectionNode& leaf(const std::string& path, Action action) {
    ProjectionNode* node = &tree_.root;
    std::string_view rest = path;
    for (;;) {
      const std::size_t dot = rest.find('.');
      const bool last = dot == std::string_view::npos;
      const std::string_view name = rest.substr(0, dot);
      const auto found = std::ranges::find(node->children, name, &ProjectionNode::name);
      if (found == node->children.end()) {
        node->children.push_back({.name = std::string(name)});
        node = &node->children.back();
      } else {
        node = &*found;
        if (last) collide(path, "");
        if (node->action != Action::kChildren) collide(path, rest.substr(dot + 1));
      }
      if (last) break;
      rest.remove_prefix(dot + 1);
    }
    node->action = action;
    return *node;
  }
};

}  // namespace

const ProjectionNode* ProjectionNode::find(std::string_view key) const {
  const auto found = std::ranges::find(children, key, &ProjectionNode::name);
  return found == children.end() ? nullptr : &*found;
}

void ProjectionTree::build(ProjectionTree& tree, View spec, ProjectionKind kind) {
  TreeBuilder(tree, kind).build(spec);
}

}  // namespace gesso::localdb
