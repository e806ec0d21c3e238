// The tests of the query operators on single values. Internal to the matcher; each parses its
// operand and throws CommandError where it is wrong.
#pragma once

#include <string_view>

#include "gesso/localdb/language/match/nodes.hpp"

namespace gesso::localdb {

// kEq, kLt, kLte, kGt, kGte: within the operand's type class.
[[nodiscard]] LeafTestPtr make_comparison(PredicateOp op, bson::Value operand);
// Values and regular expressions.
[[nodiscard]] LeafTestPtr make_in(bson::View values);
[[nodiscard]] LeafTestPtr make_exists();
[[nodiscard]] LeafTestPtr make_never();
[[nodiscard]] LeafTestPtr make_type(bson::Value operand);
[[nodiscard]] LeafTestPtr make_mod(bson::Value operand);
[[nodiscard]] LeafTestPtr make_size(bson::Value operand);
// Strings that the pattern matches, and an equal regular expression.
[[nodiscard]] LeafTestPtr make_regex(std::string_view pattern, std::string_view options);

// $bitsAllSet, $bitsAllClear, $bitsAnySet, $bitsAnyClear
enum class BitsKind { kAllSet, kAllClear, kAnySet, kAnyClear };
[[nodiscard]] LeafTestPtr make_bits(BitsKind kind, bson::Value operand);

// $elemMatch over documents and over values.
[[nodiscard]] LeafTestPtr make_element_documents(MatchNodePtr inner);
[[nodiscard]] LeafTestPtr make_element_values(std::vector<Term> terms);

}  // namespace gesso::localdb
