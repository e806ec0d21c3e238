// Operators merged into one tree of path components, so that a document is rewritten in one pass;
// and the filters of `arrayFilters`. Internal.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/localdb/language/match/matcher.hpp"
#include "gesso/localdb/language/update/operators.hpp"

namespace gesso::localdb {

// The order in which new fields are appended: numbers by value and before all other names.
struct ComponentOrder {
  using is_transparent = void;
  [[nodiscard]] bool operator()(std::string_view left, std::string_view right) const;
};

struct UpdateNode {
  UpdateOperatorPtr operation = {};  // of a leaf
  // By component; "$", "$[]" and "$[name]" stand for array elements.
  std::map<std::string, UpdateNode, ComponentOrder> children = {};

  // Whether applying this to a missing field makes it.
  [[nodiscard]] bool creates(const UpdateRun& run) const;
};

struct ArrayFilter {
  std::string identifier;
  Matcher matcher;  // over {identifier: element}
  bool used = false;
};

// `filters` is an array or missing. Throws CommandError (9, 2).
[[nodiscard]] std::vector<ArrayFilter> parse_array_filters(bson::Value filters,
                                                           const Variables& variables);

// Puts an operator where its path says. Throws CommandError: 40 where two paths collide (54 for the
// seed of an upsert), 56 for empty components, 52 for `$` names, 2 for misplaced positional ones.
void add_to_tree(UpdateNode& root, std::string_view path, UpdateOperatorPtr operation,
                 std::vector<ArrayFilter>& filters);

// Parses `{$set: {...}, $inc: {...}}`.
void build_tree(UpdateNode& root, bson::View spec, std::vector<ArrayFilter>& filters);

// The document with the tree applied. Throws CommandError.
[[nodiscard]] bson::Document apply_tree(const UpdateNode& root,
                                        const std::vector<ArrayFilter>& filters, UpdateRun& run);

enum class SeedFields { kAll, kIdOnly };

// The equalities of a query as a document, the seed of an upsert. Throws CommandError (54).
[[nodiscard]] bson::Document seed_of(const Matcher& query, SeedFields fields);

}  // namespace gesso::localdb
