#include "gesso/localdb/language/match/projection.hpp"

#include <algorithm>

#include "gesso/bson/builder.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/projection_tree.hpp"

namespace gesso::localdb {

using bson::Element;
using bson::Type;
using bson::Value;
using bson::View;
using Action = ProjectionNode::Action;

struct Projection::State {
  ProjectionTree tree;
};

namespace {

// One document on its way through a projection.
class Application {
  const ProjectionTree& tree_;
  const View root_;
  const MatchDetails* const details_;  // for kPositional
  Arena arena_;
  std::optional<Evaluation> evaluation_;
  bson::Builder out_;

 public:
  Application(const ProjectionTree& tree, View root, const MatchDetails* details)
      : tree_(tree), root_(root), details_(details) {}

  bson::Document run() {
    out_.reserve(root_.size() + 16);
    document(root_, tree_.root);
    return out_.finish();
  }

 private:
  bool keeps_unnamed() const { return tree_.mode != ProjectionMode::kInclude; }

  void document(View view, const ProjectionNode& node) {
    std::vector<bool> done(node.computes ? node.children.size() : 0);
    for (const Element& element : view) {
      const ProjectionNode* const child = node.find(element.key);
      if (child == nullptr) {
        if (keeps_unnamed()) out_.append_element(element);
        continue;
      }
      if (is_computed(*child) && tree_.mode != ProjectionMode::kAddFields) continue;
      if (node.computes) done[static_cast<std::size_t>(child - node.children.data())] = true;
      field(element, *child);
    }
    if (!node.computes) return;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      if (!done[i] && node.children[i].computes) computed(node.children[i], view);
    }
  }

  static bool is_computed(const ProjectionNode& node) {
    return node.action == Action::kExpression || node.action == Action::kElemMatch;
  }

  void field(const Element& element, const ProjectionNode& node) {
    switch (node.action) {
      case Action::kExclude:
        return;
      case Action::kInclude:
        out_.append_element(element);
        return;
      case Action::kExpression:
      case Action::kElemMatch:
        computed(node, {});
        return;
      case Action::kSlice:
        slice(element, node);
        return;
      case Action::kPositional:
        positional(element, node);
        return;
      case Action::kChildren:
        nested(element.key, element.value, node);
        return;
    }
  }

  // `value` stands where the projection names something below it.
  void nested(std::string_view key, Value value, const ProjectionNode& node) {
    if (value.is_document()) {
      const auto scope = out_.document(key);
      document(value.as_document(), node);
    } else if (value.is_array()) {
      const auto scope = out_.array(key);
      for (const Element& element : value.as_document()) {
        if (drops(element.value, node)) continue;
        nested(out_.next_key(), element.value, node);
      }
    } else if (node.computes) {
      const auto scope = out_.document(key);
      document(View(), node);
    } else if (keeps_unnamed()) {
      out_.append(key, value);
    }
  }

  bool drops(Value element, const ProjectionNode& node) const {
    return !element.is_document() && !element.is_array() && !node.computes && !keeps_unnamed();
  }

  // A field that the document does not have, or that stands behind all others.
  void computed(const ProjectionNode& node, View owner) {
    if (node.action == Action::kExpression) {
      if (!evaluation_) evaluation_.emplace(root_, arena_, tree_.scope);
      out_.append(node.name, node.expression->evaluate(*evaluation_));
    } else if (node.action == Action::kElemMatch) {
      elem_match(node, owner);
    } else {
      const auto scope = out_.document(node.name);
      document(View(), node);
    }
  }

  void elem_match(const ProjectionNode& node, View owner) {
    MatchDetails details;
    if (!node.element->matches(owner, &details)) return;
    const auto position = details.index_in(node.name);
    if (position) append_one(node.name, owner[node.name].as_document(), *position);
  }

  // [element at `position`]
  void append_one(std::string_view key, View array, std::size_t position) {
    const auto scope = out_.array(key);
    std::size_t current = 0;
    for (const Element& element : array) {
      if (current++ == position) out_.push(element.value);
    }
  }

  void positional(const Element& element, const ProjectionNode& node) {
    if (!element.value.is_array()) {
      out_.append_element(element);
      return;
    }
    const auto position = details_ == nullptr ? std::nullopt : details_->index_in(node.array_path);
    if (!position) {
      throw CommandError(51246,
                         "Executor error during find command :: caused by :: positional "
                         "operator '.$' couldn't find a matching element in the array");
    }
    if (*position >= element.value.as_document().count()) {
      throw CommandError(51247,
                         "Executor error during find command :: caused by :: positional "
                         "operator '.$' element mismatch");
    }
    append_one(element.key, element.value.as_document(), *position);
  }

  void slice(const Element& element, const ProjectionNode& node) {
    if (!element.value.is_array()) {
      out_.append_element(element);
      return;
    }
    const View array = element.value.as_document();
    const auto size = static_cast<std::int64_t>(array.count());
    std::int64_t first =
        node.slice_from_end ? size - std::min(size, node.slice_count) : node.slice_skip;
    if (first < 0) first = std::max<std::int64_t>(0, size + std::max(first, -size));
    const auto scope = out_.array(element.key);
    std::int64_t position = 0;
    for (const Element& item : array) {
      if (position >= first && position - first < node.slice_count) out_.push(item.value);
      ++position;
    }
  }
};

}  // namespace

Projection::Projection(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Projection::Projection(Projection&&) noexcept = default;
Projection& Projection::operator=(Projection&&) noexcept = default;
Projection::~Projection() = default;

Projection Projection::compile(View spec, ProjectionKind kind, const Variables& variables) {
  auto state = std::make_unique<State>();
  state->tree.scope = ExpressionScope(variables);
  ProjectionTree::build(state->tree, spec, kind);
  return Projection(std::move(state));
}

bool Projection::is_identity() const noexcept {
  return state_->tree.root.children.empty() && state_->tree.mode == ProjectionMode::kExclude;
}

bool Projection::needs_query() const noexcept { return state_->tree.has_positional; }

bson::Document Projection::apply(View document, const Matcher* query) const {
  if (is_identity()) return bson::Document(document);
  MatchDetails details;
  const bool has_details = needs_query() && query != nullptr && query->matches(document, &details);
  return Application(state_->tree, document, has_details ? &details : nullptr).run();
}

}  // namespace gesso::localdb
