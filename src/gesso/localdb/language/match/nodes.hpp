// The tree a filter is compiled to. Internal to the matcher.
//
// Nodes ask about documents, tests (match/path.hpp) about single values. Both borrow operands from
// the filter that the matcher owns.
#pragma once

#include <memory>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {

class MatchNode {
 public:
  MatchNode() = default;
  MatchNode(const MatchNode&) = delete;
  MatchNode& operator=(const MatchNode&) = delete;
  virtual ~MatchNode() = default;
  [[nodiscard]] virtual bool matches(bson::View document, MatchDetails* details) const = 0;
};

using MatchNodePtr = std::unique_ptr<const MatchNode>;
using MatchNodes = std::vector<MatchNodePtr>;
using LeafTestPtr = std::unique_ptr<const LeafTest>;

// All of its parts; true without any.
class AndNode final : public MatchNode {
  MatchNodes parts_;

 public:
  explicit AndNode(MatchNodes parts) : parts_(std::move(parts)) {}
  [[nodiscard]] bool matches(bson::View document, MatchDetails* details) const override;
};

class NotNode final : public MatchNode {
  MatchNodePtr inner_;

 public:
  explicit NotNode(MatchNodePtr inner) : inner_(std::move(inner)) {}
  [[nodiscard]] bool matches(bson::View document, MatchDetails* details) const override;
};

// Any of its parts.
class OrNode final : public MatchNode {
  std::vector<Matcher> branches_;

 public:
  explicit OrNode(std::vector<Matcher> branches) : branches_(std::move(branches)) {}
  [[nodiscard]] const std::vector<Matcher>& branches() const noexcept { return branches_; }
  [[nodiscard]] bool matches(bson::View document, MatchDetails* details) const override;
};

// A test on what is at a path.
class PathNode final : public MatchNode {
  FieldPath path_;
  LeafArrays arrays_;
  LeafTestPtr test_;

 public:
  PathNode(FieldPath path, LeafArrays arrays, LeafTestPtr test)
      : path_(std::move(path)), arrays_(arrays), test_(std::move(test)) {}
  [[nodiscard]] bool matches(bson::View document, MatchDetails* details) const override {
    return any_at_path(document, path_, arrays_, *test_, details);
  }
};

// `{$expr: ...}`
[[nodiscard]] MatchNodePtr make_expression_node(bson::Value spec, const Variables& variables);

// One operator of `{field: {$op: ...}}`. Exactly one of `test` and `group` says something.
struct Term {
  LeafTestPtr test;
  std::vector<Term> group;  // the operators below $not
  bool negated = false;
  LeafArrays arrays = LeafArrays::kElementsAndWhole;
  PredicateOp op = PredicateOp::kOther;
  bson::Value operand = {};  // of `op`
};

// What one filter document says, its parts AND-ed.
struct ParsedFilter {
  MatchNodes nodes;
  std::vector<Predicate> predicates;
  bool exact = true;                 // nothing but `predicates`
  const OrNode* first_or = nullptr;  // one of `nodes`
};

// Appends to `parsed`. Throws CommandError.
void parse_filter(bson::View filter, FilterPlace place, const Variables& variables,
                  ParsedFilter& parsed);
// `{$gt: 1, $lt: 5}`; the name is for messages.
void parse_operators(std::string_view name, bson::View operators, const Variables& variables,
                     std::vector<Term>& terms);
// Whether a document is operators (its first name begins with `$`) and no literal.
[[nodiscard]] bool is_operator_document(bson::View document);

[[nodiscard]] MatchNodePtr make_node(const FieldPath& path, Term term);
[[nodiscard]] MatchNodePtr make_and(MatchNodes nodes);

}  // namespace gesso::localdb
