#include "gesso/localdb/language/match/matcher.hpp"

#include <algorithm>

#include "gesso/localdb/language/aggregate/expression.hpp"
#include "gesso/localdb/language/match/nodes.hpp"

namespace gesso::localdb {

using bson::Value;
using bson::View;

std::optional<std::size_t> MatchDetails::index_in(std::string_view array_path) const {
  const auto found = std::ranges::find(
      indexes_, array_path, [](const auto& entry) { return std::string_view(entry.first); });
  if (found != indexes_.end()) return found->second;
  if (indexes_.empty()) return std::nullopt;
  return indexes_.back().second;
}

void MatchDetails::record(std::string_view array_path, std::size_t index) {
  indexes_.emplace_back(array_path, index);
}

bool AndNode::matches(View document, MatchDetails* details) const {
  return std::ranges::all_of(
      parts_, [&](const MatchNodePtr& part) { return part->matches(document, details); });
}

bool NotNode::matches(View document, MatchDetails* /*details*/) const {
  return !inner_->matches(document, nullptr);
}

// The filter and what it was compiled to; nodes and predicates borrow from the filter.
struct Matcher::State {
  bson::Document filter;
  ParsedFilter parsed;
};

bool OrNode::matches(View document, MatchDetails* details) const {
  return std::ranges::any_of(branches_, [&](const Matcher& branch) {
    if (details == nullptr) return branch.matches(document);
    MatchDetails own;
    if (!branch.matches(document, &own)) return false;
    details->append(own);
    return true;
  });
}

namespace {

class ExpressionNode final : public MatchNode {
  ExpressionScope scope_;
  ExpressionPtr expression_;

 public:
  ExpressionNode(Value spec, const Variables& variables)
      : scope_(variables), expression_(compile_expression(spec, scope_)) {}

  bool matches(View document, MatchDetails* /*details*/) const override {
    Arena arena;
    Evaluation evaluation(document, arena, scope_);
    return expression_->evaluate(evaluation).truthy();
  }
};

}  // namespace

MatchNodePtr make_expression_node(Value spec, const Variables& variables) {
  return std::make_unique<ExpressionNode>(spec, variables);
}

MatchNodePtr make_and(MatchNodes nodes) {
  if (nodes.size() == 1) return std::move(nodes.front());
  return std::make_unique<AndNode>(std::move(nodes));
}

MatchNodePtr make_node(const FieldPath& path, Term term) {
  MatchNodePtr node;
  if (term.test) {
    node = std::make_unique<PathNode>(path, term.arrays, std::move(term.test));
  } else {
    MatchNodes parts;
    for (Term& part : term.group) parts.push_back(make_node(path, std::move(part)));
    node = make_and(std::move(parts));
  }
  if (term.negated) node = std::make_unique<NotNode>(std::move(node));
  return node;
}

Matcher::Matcher(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;
Matcher::~Matcher() = default;

Matcher Matcher::compile(View filter, const Variables& variables, FilterPlace place) {
  auto state = std::make_unique<State>();
  state->filter = bson::Document(filter);
  parse_filter(state->filter, place, variables, state->parsed);
  return Matcher(std::move(state));
}

bool Matcher::matches(View document, MatchDetails* details) const {
  if (details != nullptr) details->clear();
  return std::ranges::all_of(state_->parsed.nodes, [&](const MatchNodePtr& node) {
    return node->matches(document, details);
  });
}

View Matcher::filter() const noexcept { return state_->filter; }
bool Matcher::always() const noexcept { return state_->parsed.nodes.empty(); }

const std::vector<Predicate>& Matcher::conjunction() const noexcept {
  return state_->parsed.predicates;
}

bool Matcher::is_exact_conjunction() const noexcept { return state_->parsed.exact; }

const std::vector<Matcher>& Matcher::or_branches() const noexcept {
  static const std::vector<Matcher> kNone;
  return state_->parsed.first_or == nullptr ? kNone : state_->parsed.first_or->branches();
}

}  // namespace gesso::localdb
