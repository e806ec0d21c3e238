// The proof, at compile time, that a declared index serves a query.
//
// The rule. A conjunction of conditions with a sort is served by an index whose keys are, in turn,
//   1. fields bound by `==` (or by `in`, if nothing is sorted); then
//   2. the sort's fields, all as declared or all reversed (fields bound by `==` do not count); then
//   3. at most one more field with a condition on it;
// the first key behind 1 may have conditions of its own, which is what a range, and the next page
// of a sorted list, are. Every field with a condition must be among these, and at least one of 1
// and 2 or a range on the first key must be there: an index is never read through to filter it.
// `!=`, `contains_all`, `exists` and `missing` bind nothing; they may stand on any key of an index
// that is bound.
// - Where `==` binds every key of a unique index (`_id` is one), at most one document is read, and
//   whatever else is asked may remain; `in` does the same where nothing is sorted.
// - A unique-when-present index serves only such look-ups: elsewhere it lacks documents.
// - A TTL index serves nothing (on Cosmos DB it is another one). A range on its field, the guard
//   against documents that are due, may accompany any served query.
// - `||` is served if each of its branches is, together with what stands around it; it has no sort.
// - No condition and no sort: the `_id` index, in its order.
//
// The proof holds on every server. Azure Cosmos DB (RU) sorts by several fields only where the sort
// names a compound index's whole path, as declared or reversed. The sort that goes on the wire is
// therefore the index's path: the fields of 1 are constants, and the fields behind the sort only
// break ties, so it means the same. Of indexes that begin alike it is the longest's, since the
// others are not made. A compound index serves no filter there; so each field of the declared
// indexes gets an index of its own (mongo/adapted_indexes.hpp), and a query is proven only where
// each of its conditions finds one (`unserved_by_single_fields`).
// - A `Lookup` serves no sort: on that server no compound index is made for it.
//
// `unindexed(expression)` is the way past, and the only one.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "gesso/query/filter.hpp"
#include "gesso/query/index.hpp"
#include "gesso/query/sort.hpp"

namespace gesso::query {

// Never defined. The compiler's message about it names the fields that no index serves.
template <auto... Fields>
struct NoIndexServes;

namespace detail {

template <class...>
struct TypeList {};

template <class... Lists>
struct Concat;
template <>
struct Concat<> {
  using type = TypeList<>;
};
template <class... A>
struct Concat<TypeList<A...>> {
  using type = TypeList<A...>;
};
template <class... A, class... B, class... Rest>
struct Concat<TypeList<A...>, TypeList<B...>, Rest...> : Concat<TypeList<A..., B...>, Rest...> {};

// Disjunctive normal form: a list of branches, each a list of predicates.
template <class E>
struct Branches;
template <class P, Op kOp>
struct Branches<Predicate<P, kOp>> {
  using type = TypeList<TypeList<Predicate<P, kOp>>>;
};
template <class Model>
struct Branches<All<Model>> {
  using type = TypeList<TypeList<>>;
};
template <class... Parts>
struct Branches<Or<Parts...>> : Concat<typename Branches<Parts>::type...> {};

template <class Left, class Right>
struct Product;
template <class... Lefts, class Right>
struct Product<TypeList<Lefts...>, Right> {
  template <class Left>
  struct With;
  template <class... A>
  struct With<TypeList<A...>> {
    template <class... Rights>
    static auto product(TypeList<Rights...>)
        -> TypeList<typename Concat<TypeList<A...>, Rights>::type...>;
    using type = decltype(product(Right{}));
  };
  using type = typename Concat<typename With<Lefts>::type...>::type;
};
template <class... Lists>
struct Products;
template <class A>
struct Products<A> {
  using type = A;
};
template <class A, class B, class... Rest>
struct Products<A, B, Rest...> : Products<typename Product<A, B>::type, Rest...> {};
template <class... Parts>
struct Branches<And<Parts...>> : Products<typename Branches<Parts>::type...> {};

struct Term {
  std::string_view name;
  Op op;

  [[nodiscard]] constexpr bool binds() const {
    return op != Op::kNotEqual && op != Op::kAll && op != Op::kExists && op != Op::kMissing;
  }
};

struct IndexView {
  IndexKind kind;
  std::span<const KeyPart> keys;
};

inline constexpr KeyPart kIdKey[] = {{"_id", Direction::kAscending}};

// How an index fares with a query.
struct IndexFit {
  std::uint64_t unserved = 0;  // a bit for each term, then for each sort key
  std::size_t index = 0;
  std::size_t prefix = 0;     // how many of the index's keys are bound
  int direction = 0;          // the sort on the wire is the index's path times this; 0: no sort
  bool one_document = false;  // at most one is read
};

constexpr bool bound_by(std::span<const Term> terms, std::string_view name, bool in_counts) {
  for (const Term& term : terms) {
    if (term.name == name && (term.op == Op::kEqual || (in_counts && term.op == Op::kIn))) {
      return true;
    }
  }
  return false;
}

constexpr bool binds_all(std::span<const Term> terms, std::span<const KeyPart> keys,
                         bool in_counts) {
  for (const KeyPart& key : keys) {
    if (!bound_by(terms, key.name, in_counts)) return false;
  }
  return true;
}

constexpr bool has_key(std::span<const KeyPart> keys, std::string_view name) {
  for (const KeyPart& key : keys) {
    if (key.name == name) return true;
  }
  return false;
}

constexpr std::uint64_t first_bits(std::size_t count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

constexpr IndexFit fit_of(std::span<const Term> terms, std::span<const KeyPart> sort,
                          const IndexView& index, std::string_view ttl_field) {
  const std::uint64_t everything = first_bits(terms.size() + sort.size());
  const bool unique =
      index.kind == IndexKind::kUnique || index.kind == IndexKind::kUniqueWhenPresent;
  if (unique && binds_all(terms, index.keys, sort.empty())) return {.one_document = true};
  if (index.kind == IndexKind::kUniqueWhenPresent || index.kind == IndexKind::kTtl) {
    return {.unserved = everything};
  }

  // 1: the bound prefix.
  std::size_t prefix = 0;
  while (prefix < index.keys.size() &&
         bound_by(terms, index.keys[prefix].name, /*in_counts=*/sort.empty())) {
    ++prefix;
  }
  // 2: the sort.
  std::size_t end = prefix;
  int direction = 0;
  std::uint64_t unserved = 0;
  for (std::size_t i = 0; i < sort.size(); ++i) {
    if (bound_by(terms, sort[i].name, false)) continue;
    const std::uint64_t bit = std::uint64_t{1} << (terms.size() + i);
    if (index.kind == IndexKind::kLookup || end == index.keys.size() ||
        index.keys[end].name != sort[i].name) {
      unserved |= bit;
      continue;
    }
    const int same = index.keys[end].direction == sort[i].direction ? 1 : -1;
    if (direction == -same) {
      unserved |= bit;
      continue;
    }
    direction = same;
    ++end;
  }
  // 3: what may have a condition, and whether anything narrows the scan.
  const auto may_have_condition = [&](const Term& term) {
    for (std::size_t i = 0; i < index.keys.size(); ++i) {
      if (index.keys[i].name == term.name) {
        return i < prefix || i == prefix || i == end || !term.binds();
      }
    }
    return false;
  };
  bool narrowed = prefix > 0 || end > 0;
  for (const Term& term : terms) {
    narrowed = narrowed || (term.binds() && term.name == index.keys[0].name);
  }
  const bool guards_only = narrowed && prefix == 0 && end == 0 && ttl_field == index.keys[0].name;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const bool guard = terms[i].name == ttl_field && terms[i].binds() && narrowed && !guards_only;
    if (!guard && (!narrowed || !may_have_condition(terms[i]))) unserved |= std::uint64_t{1} << i;
  }
  // A sort over the whole index carries no condition but on its first key.
  if (prefix == 0 && end > 0) {
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const bool on_first = terms[i].name == index.keys[0].name;
      const bool guard = terms[i].name == ttl_field && terms[i].binds();
      if (!on_first && !guard) unserved |= std::uint64_t{1} << i;
    }
  }
  return {.unserved = unserved, .prefix = prefix, .direction = direction};
}

// Whether `longer` has the keys of the other, in their order and directions, and more behind them.
constexpr bool begins_with(std::span<const KeyPart> longer, std::span<const KeyPart> other) {
  if (longer.size() <= other.size()) return false;
  for (std::size_t i = 0; i < other.size(); ++i) {
    if (longer[i].name != other[i].name || longer[i].direction != other[i].direction) return false;
  }
  return true;
}

// The index that a sort along `index` names: the longest that begins with it.
constexpr std::size_t longest(std::span<const IndexView> indexes, std::size_t index) {
  std::size_t found = index;
  if (indexes[index].kind != IndexKind::kPlain) return found;
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    if (indexes[i].kind == IndexKind::kPlain && begins_with(indexes[i].keys, indexes[found].keys)) {
      found = i;
    }
  }
  return found;
}

// Whether a field has an index of its own where compound indexes serve sorts only.
constexpr bool has_own_index(std::span<const IndexView> indexes, std::string_view name) {
  for (const IndexView& index : indexes) {
    if (index.kind != IndexKind::kTtl && has_key(index.keys, name)) return true;
  }
  return false;
}

// A bit for each condition and each sort key that finds no index there, with the indexes that are
// made for these declarations.
constexpr std::uint64_t unserved_by_single_fields(std::span<const Term> terms,
                                                  std::span<const KeyPart> sort,
                                                  std::span<const IndexView> indexes,
                                                  const IndexFit& fit, std::string_view ttl_field) {
  if (fit.one_document) return 0;
  std::uint64_t unserved = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const bool guard = terms[i].name == ttl_field;
    if (!guard && !has_own_index(indexes, terms[i].name)) unserved |= std::uint64_t{1} << i;
  }
  if (fit.direction == 0) return unserved;
  const IndexView& along = indexes[fit.index];
  const bool sorted = along.keys.size() == 1 ? has_own_index(indexes, along.keys[0].name)
                                             : along.kind == IndexKind::kPlain &&
                                                   longest(indexes, fit.index) == fit.index;
  if (!sorted) unserved |= first_bits(terms.size() + sort.size()) & ~first_bits(terms.size());
  return unserved;
}

// The fit of the index that serves most; of equals, the one declared first, but for a sort the
// longest that begins with it.
constexpr IndexFit best_fit(std::span<const Term> terms, std::span<const KeyPart> sort,
                            std::span<const IndexView> indexes) {
  if (terms.empty() && sort.empty()) {
    return {.index = indexes.size() - 1, .direction = 1};  // `_id` is the last
  }
  std::string_view ttl_field;
  for (const IndexView& index : indexes) {
    if (index.kind == IndexKind::kTtl) ttl_field = index.keys[0].name;
  }
  IndexFit found{.unserved = ~std::uint64_t{0}};
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    IndexFit fit = fit_of(terms, sort, indexes[i], ttl_field);
    fit.index = i;
    if (std::popcount(fit.unserved) < std::popcount(found.unserved)) found = fit;
  }
  if (found.unserved != 0) return found;
  if (found.direction != 0) found.index = longest(indexes, found.index);
  found.unserved = unserved_by_single_fields(terms, sort, indexes, found, ttl_field);
  return found;
}

template <class... Declarations>
constexpr auto views(IndexList<Declarations...>) {
  return std::array<IndexView, sizeof...(Declarations) + 1>{
      IndexView{Declarations::kind, Declarations::keys}..., IndexView{IndexKind::kUnique, kIdKey}};
}
template <class Model>
inline constexpr auto kViews = views(typename Model::Indexes{});

template <class P>
struct FieldOf {
  static constexpr P value{};
};
template <auto Member>
struct FieldOf<Path<Member>> {
  static constexpr auto value = Member;
};

// A branch with a sort.
template <class Model, class Predicates, class SortType>
struct BranchProof;
template <class Model, class... Predicates, class... Keys>
struct BranchProof<Model, TypeList<Predicates...>, Sort<Keys...>> {
  static_assert(sizeof...(Predicates) + sizeof...(Keys) < 64);
  static constexpr std::array<Term, sizeof...(Predicates)> terms{
      Term{Predicates::Path::name, Predicates::op}...};
  static constexpr IndexFit fit = best_fit(terms, Sort<Keys...>::keys, kViews<Model>);
  static constexpr bool served = fit.unserved == 0;

  using Fields = TypeList<typename Predicates::Path..., typename Keys::Path...>;
  template <std::size_t... I>
  static auto unserved(std::index_sequence<I...>) -> typename Concat<
      std::conditional_t<(fit.unserved >> I & 1) != 0,
                         TypeList<std::tuple_element_t<
                             I, std::tuple<typename Predicates::Path..., typename Keys::Path...>>>,
                         TypeList<>>...>::type;
  using Unserved =
      decltype(unserved(std::make_index_sequence<sizeof...(Predicates) + sizeof...(Keys)>{}));
};

template <class List, class... Seen>
struct Distinct;
template <class... Seen>
struct Distinct<TypeList<>, Seen...> {
  using type = NoIndexServes<FieldOf<Seen>::value...>;
};
template <class First, class... Rest, class... Seen>
struct Distinct<TypeList<First, Rest...>, Seen...>
    : std::conditional_t<(std::is_same_v<First, Seen> || ...), Distinct<TypeList<Rest...>, Seen...>,
                         Distinct<TypeList<Rest...>, Seen..., First>> {};

template <class Model, class BranchList, class SortType>
struct QueryProof;
// One conjunction.
template <class Model, class Branch, class SortType>
struct QueryProof<Model, TypeList<Branch>, SortType> {
  using Proof = BranchProof<Model, Branch, SortType>;
  static constexpr bool served = Proof::served;
  static constexpr IndexView index = kViews<Model>[Proof::fit.index];
  static constexpr std::size_t prefix = Proof::fit.prefix;
  static constexpr int direction = Proof::fit.direction;
  using Why = typename Distinct<typename Proof::Unserved>::type;
};
// Several: each for itself, and no sort.
template <class Model, class... Branch, class... Keys>
requires(sizeof...(Branch) > 1) struct QueryProof<Model, TypeList<Branch...>, Sort<Keys...>> {
  static constexpr bool served =
      sizeof...(Keys) == 0 && (BranchProof<Model, Branch, Sort<>>::served && ...);
  static constexpr IndexView index = kViews<Model>.back();
  static constexpr std::size_t prefix = 0;
  static constexpr int direction = 0;
  using Why =
      typename Distinct<typename Concat<typename BranchProof<Model, Branch, Sort<>>::Unserved...,
                                        TypeList<typename Keys::Path...>>::type>::type;
};

// A function of its own, so that the message starts with the name of `Why`.
template <class Why>
constexpr void stop() {
  Why{};
}

[[nodiscard]] bson::Document sort_along(std::span<const KeyPart> keys, int direction);

}  // namespace detail

// What the compiler found out about a filter with a sort: `served`, and if so `index` (its keys)
// and `direction`; if not `Why`, a NoIndexServes of the fields.
template <Expression E, class SortType = Sort<>>
struct Proof
    : detail::QueryProof<typename E::ExpressionOf, typename detail::Branches<E>::type, SortType> {
  // The sort for the wire: the index's path; empty where none is needed.
  [[nodiscard]] static bson::Document wire_sort(SortType = {}) {
    return detail::sort_along(Proof::index.keys, Proof::direction);
  }
};
template <class E, class SortType>
struct Proof<Unindexed<E>, SortType> {
  static constexpr bool served = true;
  [[nodiscard]] static bson::Document wire_sort(SortType sort = {}) { return to_bson(sort); }
};

// Whether the model's indexes serve a filter, or a filter with a sort.
template <class E, class SortType = Sort<>>
concept Served = Expression<E> && Proof<E, SortType>::served;

// Stops the compiler, with a message that names the fields, unless an index serves the query.
template <Expression E, class SortType = Sort<>>
constexpr void require_served(const E&, SortType = {}) {
  if constexpr (!Proof<E, SortType>::served) detail::stop<typename Proof<E, SortType>::Why>();
}

}  // namespace gesso::query
