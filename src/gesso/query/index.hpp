// Index declarations: a model lists its indexes in its type, and everything else reads them there.
//
//   struct Generation {
//     ...
//     using Indexes = query::IndexList<
//         query::Index<query::asc<&Generation::user_id>, query::desc<&Generation::created_at>>,
//         query::UniqueWhenPresent<&Generation::replicate_prediction_id>>;
//   };
//
// A bare member pointer stands for `asc` of it. What no query sorts along is a `Lookup`, which
// costs less on Azure Cosmos DB (RU). The index on `_id` is always there and not listed.
// `index_specs<Model>()` is the same at run time, as MongoDB and localdb take it: for
// create_indexes and the schema document.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gesso/bson/index_spec.hpp"
#include "gesso/query/path.hpp"

namespace gesso::query {

enum class IndexKind {
  kPlain,
  kUnique,
  // Unique among the documents that have the field: a partial unique index on MongoDB and localdb,
  // a surrogate on Cosmos DB (RU). A plain unique index takes absent as null, once.
  kUniqueWhenPresent,
  // Serves filters alone: no sort is proven on it. Where a compound index serves sorts only, none
  // is made for it.
  kLookup,
  // Documents are deleted when the moment in the field, a Date, has passed. The dialect decides
  // how, therefore no query is proven on it.
  kTtl,
};

struct KeyPart {
  std::string_view name;
  Direction direction = Direction::kAscending;
};

namespace detail {

template <auto K>
constexpr auto as_key() {
  if constexpr (std::is_member_object_pointer_v<decltype(K)>) {
    return asc<K>;
  } else {
    return K;
  }
}
template <auto K>
using KeyOf = std::remove_const_t<decltype(as_key<K>())>;

template <IndexKind Kind, class... Keys>
struct Declaration {
  static constexpr IndexKind kind = Kind;
  static constexpr std::array<KeyPart, sizeof...(Keys)> keys{
      KeyPart{Keys::Path::name, Keys::direction}...};
};

}  // namespace detail

template <auto First, auto... Rest>
struct Index
    : detail::Declaration<IndexKind::kPlain, detail::KeyOf<First>, detail::KeyOf<Rest>...> {};

template <auto First, auto... Rest>
struct Lookup
    : detail::Declaration<IndexKind::kLookup, detail::KeyOf<First>, detail::KeyOf<Rest>...> {};

template <auto First, auto... Rest>
struct Unique
    : detail::Declaration<IndexKind::kUnique, detail::KeyOf<First>, detail::KeyOf<Rest>...> {};

template <auto Field>
struct UniqueWhenPresent
    : detail::Declaration<IndexKind::kUniqueWhenPresent, detail::KeyOf<Field>> {};

template <auto Field>
struct Ttl : detail::Declaration<IndexKind::kTtl, detail::KeyOf<Field>> {};

template <class... Declarations>
struct IndexList {};

namespace detail {

[[nodiscard]] bson::IndexSpec make_spec(IndexKind kind, std::span<const KeyPart> keys);

template <class... Declarations>
std::vector<IndexKind> kinds(IndexList<Declarations...>) {
  return {Declarations::kind...};
}

template <class... Declarations>
std::vector<bson::IndexSpec> specs(IndexList<Declarations...>) {
  return {make_spec(Declarations::kind, Declarations::keys)...};
}

}  // namespace detail

// The indexes of `Model` in the order of their declaration, without the one on `_id`.
template <class Model>
[[nodiscard]] std::vector<bson::IndexSpec> index_specs() {
  return detail::specs(typename Model::Indexes{});
}

// What each of them was declared as, in the same order.
template <class Model>
[[nodiscard]] std::vector<IndexKind> index_kinds() {
  return detail::kinds(typename Model::Indexes{});
}

}  // namespace gesso::query
