// A field of a model as a type: `Path<&User::email>`, or nested, `Path<&User::pending_charges,
// &PendingCharge::at>`.
//
// Compile time only. A path may lead through optionals and lists, as MongoDB's dotted names do.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gesso/schema/described.hpp"

namespace gesso::query {

namespace detail {

template <class T>
struct Unwrap {
  using type = T;
};
template <class T>
struct Unwrap<std::optional<T>> : Unwrap<T> {};

template <class T>
struct Element : Unwrap<T> {};
template <class T>
struct Element<std::vector<T>> : Unwrap<T> {};

}  // namespace detail

// The type of a value that is there: without `std::optional`.
template <class T>
using Present = typename detail::Unwrap<T>::type;

// What one element of a list is; for anything else the same as `Present`.
template <class T>
using ElementOf = typename detail::Element<Present<T>>::type;

template <auto Member, auto... Rest>
struct Path {
  using Model = schema::ModelOf<Member>;
  using Value = typename Path<Rest...>::Value;

 private:
  static_assert(std::is_same_v<typename Path<Rest...>::Model, ElementOf<schema::FieldType<Member>>>,
                "each step of a path must be a member of what the step before leads to");
  static constexpr auto dotted() {
    constexpr std::string_view head = schema::field_name<Member>;
    constexpr std::string_view tail = Path<Rest...>::name;
    std::array<char, head.size() + 1 + tail.size()> text{};
    *std::copy(head.begin(), head.end(), text.begin()) = '.';
    std::copy(tail.begin(), tail.end(), text.begin() + head.size() + 1);
    return text;
  }
  static constexpr auto kText = dotted();

 public:
  // As the database knows it: "pending_charges.at"; the member `id` is "_id".
  static constexpr std::string_view name{kText.data(), kText.size()};
};

template <auto Member>
struct Path<Member> {
  using Model = schema::ModelOf<Member>;
  using Value = schema::FieldType<Member>;
  static constexpr std::string_view name = schema::field_name<Member>;
};

enum class Direction : signed char { kAscending = 1, kDescending = -1 };

// A field and a direction: what index keys and sorts are made of. See `asc` and `desc`.
template <class P, Direction D>
struct Key {
  using Path = P;
  static constexpr Direction direction = D;
};

// `asc<&User::email>`: a value, so that it can stand in `sort_by(...)` and in `Index<...>`.
template <auto... Members>
inline constexpr Key<Path<Members...>, Direction::kAscending> asc{};
template <auto... Members>
inline constexpr Key<Path<Members...>, Direction::kDescending> desc{};

}  // namespace gesso::query
