// What an update does to one field: one object for each `{$operator: {path: operand}}`. Internal.
//
// Operators borrow their operands from the specification that the Update owns.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/aggregate/arena.hpp"
#include "gesso/localdb/language/match/matcher.hpp"

namespace gesso::localdb {

// One application to one document.
struct UpdateRun {
  bson::View document;  // as it was before
  Arena& arena;
  Time now{};
  bool insert = false;                    // an upsert makes the document
  const MatchDetails* details = nullptr;  // of the query; null without one
};

class UpdateOperator {
  std::string path_;

 public:
  explicit UpdateOperator(std::string_view path) : path_(path) {}
  UpdateOperator(const UpdateOperator&) = delete;
  UpdateOperator& operator=(const UpdateOperator&) = delete;
  virtual ~UpdateOperator() = default;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // The last component, for messages.
  [[nodiscard]] std::string name() const;

  // What becomes of the field: `current` (missing where there is none) or another value, borrowed
  // from the operator, the document or the arena; a missing one takes the field away.
  [[nodiscard]] virtual bson::Value apply(bson::Value current, UpdateRun& run) const = 0;
  // Whether the field comes to be where it is missing.
  [[nodiscard]] virtual bool creates(const UpdateRun& /*run*/) const { return true; }
};

using UpdateOperatorPtr = std::unique_ptr<const UpdateOperator>;

// Of `make_update_operator`: all but $rename, which takes two; see below.
[[nodiscard]] bool is_update_operator(std::string_view name);
// By the operator's name ("$set"). Throws CommandError for a wrong operand.
[[nodiscard]] UpdateOperatorPtr make_update_operator(std::string_view name, std::string_view path,
                                                     bson::Value operand);
// `operand` at `path`: $set, and the seed of an upsert.
[[nodiscard]] UpdateOperatorPtr make_set(std::string_view path, bson::Value operand);
// The two ends of a $rename.
[[nodiscard]] UpdateOperatorPtr make_rename_source(std::string_view source);
[[nodiscard]] UpdateOperatorPtr make_rename_target(std::string_view source,
                                                   std::string_view target);

// Of arrays, in update/array_operators.cpp.
[[nodiscard]] UpdateOperatorPtr make_push(std::string_view path, bson::Value operand);
[[nodiscard]] UpdateOperatorPtr make_add_to_set(std::string_view path, bson::Value operand);
[[nodiscard]] UpdateOperatorPtr make_pull(std::string_view path, bson::Value operand);
[[nodiscard]] UpdateOperatorPtr make_pull_all(std::string_view path, bson::Value operand);
[[nodiscard]] UpdateOperatorPtr make_pop(std::string_view path, bson::Value operand);

// "{_id: 1}", for messages.
[[nodiscard]] std::string describe_id(bson::View document);

}  // namespace gesso::localdb
