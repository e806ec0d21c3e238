// Values as the expression language compares them, and as keys of hash tables.
#pragma once

#include <cstddef>
#include <unordered_set>

#include "gesso/bson/compare.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb {

// The total order over all types, in which missing is below null.
[[nodiscard]] int compare_values(bson::Value left, bson::Value right);

[[nodiscard]] inline bool is_nullish(bson::Value value) noexcept {
  return value.is_missing() || value.is_null() || value.is(bson::Type::kUndefined);
}

// Agrees with bson::compare: 1, 1.0 and a decimal 1 are one key; so are missing and null.
struct ValueHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(bson::Value value) const;
  [[nodiscard]] std::size_t operator()(const bson::OwnedValue& value) const {
    return (*this)(value.view());
  }
};

struct ValueEqual {
  using is_transparent = void;
  static bson::Value view(bson::Value value) noexcept { return value; }
  static bson::Value view(const bson::OwnedValue& value) noexcept { return value.view(); }
  template <class Left, class Right>
  [[nodiscard]] bool operator()(const Left& left, const Right& right) const noexcept {
    return bson::compare(view(left), view(right)) == 0;
  }
};

// Borrows its values.
using ValueSet = std::unordered_set<bson::Value, ValueHash, ValueEqual>;

}  // namespace gesso::localdb
