// BSON types by alias and number, as `$type` and `$convert` name them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"

namespace gesso::localdb {

// "string", "int", "minKey", ...; not "number", which is four types.
[[nodiscard]] std::optional<bson::Type> type_of_alias(std::string_view alias) noexcept;
// By BSON's numbers, -1 for MinKey.
[[nodiscard]] std::optional<bson::Type> type_of_number(double number) noexcept;

// A set of types. A value.
class TypeSet {
  std::vector<bson::Type> types_;

 public:
  // The operand of `$type`: a number, an alias, or an array of them. Throws CommandError (2, 14).
  [[nodiscard]] static TypeSet parse(bson::Value operand);
  [[nodiscard]] bool contains(bson::Type type) const noexcept;

 private:
  void add(bson::Value operand);
};

}  // namespace gesso::localdb
