// The query language: a filter compiled once, then asked about many documents.
//
// Pure functions over BSON: no storage, no I/O, never blocks. A Matcher owns a copy of its filter;
// `const` calls are thread-safe. Semantics:
// https://www.mongodb.com/docs/manual/reference/operator/query/ and engine.md section 4.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb {

// Whether a filter stands for whole documents or within $elemMatch, where $expr is refused.
enum class FilterPlace { kTop, kNested };

// What `$expr` (and any other expression) sees beside the document: `$$NOW` and the variables of a
// command's `let`, as a document of name and value.
struct Variables {
  Time now = {};
  bson::Document let = {};
};

// Which array elements made a document match; what the positional `$` of updates and projections
// stands for.
class MatchDetails {
  std::vector<std::pair<std::string, std::size_t>> indexes_;  // path of the array, position in it

 public:
  // The position within the array at `array_path`; where the filter has no condition on exactly
  // that array, the position of the last condition that an array element met.
  [[nodiscard]] std::optional<std::size_t> index_in(std::string_view array_path) const;

  void record(std::string_view array_path, std::size_t index);
  void clear() { indexes_.clear(); }
  void append(const MatchDetails& other) {
    indexes_.insert(indexes_.end(), other.indexes_.begin(), other.indexes_.end());
  }
};

enum class PredicateOp { kEq, kLt, kLte, kGt, kGte, kIn, kExists, kNotExists, kOther };

// One condition that every matching document meets. As in the query language, an array at `path`
// meets it when one of its elements does, and an array operand of kEq means the whole array or an
// element equal to it. kEq, kLte and kGte with null also mean a missing field; so does a null among
// the elements of kIn. kIn never holds a regular expression (that is kOther).
struct Predicate {
  std::string path;
  PredicateOp op = PredicateOp::kOther;
  bson::Value operand;  // borrowed from the matcher; the array of kIn; missing where there is none
};

class Matcher {
  struct State;
  std::unique_ptr<const State> state_;

  explicit Matcher(std::unique_ptr<const State> state);

 public:
  // Throws CommandError with MongoDB's code for a filter that is none.
  [[nodiscard]] static Matcher compile(bson::View filter, const Variables& variables = {},
                                       FilterPlace place = FilterPlace::kTop);

  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;
  ~Matcher();

  // `details`, where given, is cleared first and filled when the answer is true.
  // Throws CommandError only for what `$expr` finds at run time.
  [[nodiscard]] bool matches(bson::View document, MatchDetails* details = nullptr) const;

  [[nodiscard]] bson::View filter() const noexcept;
  // Whether every document matches: `{}`.
  [[nodiscard]] bool always() const noexcept;

  // The AND-ed conditions of the top level, nested `$and` and an `$or` of one branch flattened:
  // `{a: {$gt: 1, $lt: 5}}` gives two. Two of them on one path may be met by different elements of
  // an array, so their bounds must not be intersected on a multikey index.
  [[nodiscard]] const std::vector<Predicate>& conjunction() const noexcept;
  // Whether the conjunction says all that the filter says, without any kOther.
  [[nodiscard]] bool is_exact_conjunction() const noexcept;
  // The branches of the first `$or` (of two branches or more) among the AND-ed conditions; empty
  // without one.
  [[nodiscard]] const std::vector<Matcher>& or_branches() const noexcept;
};

}  // namespace gesso::localdb
