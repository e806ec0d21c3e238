// Ids that follow from what they name, so that what is made twice has one id, and the index on
// `_id` decides which of several attempts makes it. Pure functions.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace gesso::domain {

// 128 bits of a SHA-256 in the form of our ids, without a prefix. Other parts give another id.
// REQUIRES: no part but the last holds a NUL.
[[nodiscard]] std::string derived_ulid(std::initializer_list<std::string_view> parts);

template <class Id>
[[nodiscard]] Id derived_id(std::initializer_list<std::string_view> parts) {
  return Id(std::string(Id::kPrefix) + derived_ulid(parts));
}

}  // namespace gesso::domain
