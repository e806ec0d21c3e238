// Sorts: `sort_by(desc<&Generation::created_at>)`. The type says it all; there is no value in it.
#pragma once

#include <array>
#include <type_traits>

#include "gesso/bson/builder.hpp"
#include "gesso/query/index.hpp"
#include "gesso/query/path.hpp"

namespace gesso::query {

template <class... Keys>
struct Sort {
  static constexpr std::array<KeyPart, sizeof...(Keys)> keys{
      KeyPart{Keys::Path::name, Keys::direction}...};
};

// No sort: the results come in an order that one cannot rely on.
inline constexpr Sort<> unsorted{};

template <class... Paths, Direction... Directions>
requires(sizeof...(Paths) > 0)
    [[nodiscard]] constexpr Sort<Key<Paths, Directions>...> sort_by(Key<Paths, Directions>...) {
  return {};
}

template <class... Keys>
[[nodiscard]] bson::Document to_bson(Sort<Keys...>) {
  bson::Builder builder;
  (builder.append(Keys::Path::name, static_cast<int>(Keys::direction)), ...);
  return builder.finish();
}

}  // namespace gesso::query
