// Sort specifications: `{a: 1, "b.c": -1}`.
//
// A value; `const` calls are thread-safe. Pure, never blocks.
#pragma once

#include <span>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/localdb/language/match/path.hpp"

namespace gesso::localdb {

class SortSpec {
 public:
  struct Key {
    FieldPath path;
    int direction = 1;  // or -1
  };

 private:
  std::vector<Key> keys_;

 public:
  SortSpec() = default;
  // At most 32 keys, each 1 or -1 (any number type). Throws CommandError: 15974 and 15975 for other
  // values, 2 for more keys. `{}` sorts nothing. `$natural` is the caller's to take out before.
  [[nodiscard]] static SortSpec parse(bson::View spec);

  [[nodiscard]] const std::vector<Key>& keys() const noexcept { return keys_; }
  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }

  // The values to compare a document by, borrowed from it, one for each key. Of an array the least
  // element counts (the greatest when descending), an empty one as undefined; missing is null.
  // Throws CommandError (2) when two keys run through different arrays.
  void extract(bson::View document, std::vector<bson::Value>& values) const;
  // Negative, zero, positive, directions applied.
  [[nodiscard]] int compare_keys(std::span<const bson::Value> left,
                                 std::span<const bson::Value> right) const;
  // Extracts and compares; for few documents.
  [[nodiscard]] int compare(bson::View left, bson::View right) const;
};

}  // namespace gesso::localdb
