// Typed filters: `where<&User::email> == email && where<&User::is_active> == true`.
//
// An expression owns its values, and its type carries its fields and operators, so that served.hpp
// can prove at compile time which index serves it. A value of the wrong type does not compile. As
// any value: copy it, keep it, read it from many threads.
//
// Absent fields: `.exists()` and `.missing()`; there is no comparison with null.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/query/path.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::query {

enum class Op {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kAll,
  kExists,
  kMissing,
};

namespace detail {

// One condition at run time. `path` is a Path's name and lives as long as the program.
struct Condition {
  std::string_view path;
  Op op;
  bson::OwnedValue value;
};

// What a filter consists of, gathered before it is written.
struct Conjunction {
  std::vector<const Condition*> conditions;
  std::vector<bson::Array> alternatives;  // the branches of each `||`
};

// `{a: 1, b: {$gte: 2, $lt: 3}, $or: [...]}`: conditions on one field share its document where
// their operators differ, and go under `$and` where they do not.
[[nodiscard]] bson::Document write(const Conjunction& conjunction);

// "a=,b>,$or(c=|d=)": the fields and operators without their values.
void append_shape(std::string& out, const Condition& condition);

// `value` as it is stored in a field of type `T`.
template <class T, class V>
[[nodiscard]] bson::OwnedValue own(const V& value) {
  bson::Builder builder;
  if constexpr (std::is_same_v<T, V>) {
    schema::append(builder, "", value);
  } else {
    schema::append(builder, "", T(value));
  }
  return bson::OwnedValue(builder.finish()[""]);
}

}  // namespace detail

template <class E>
concept Expression = requires {
  typename E::ExpressionOf;
};

// One field compared with one value.
template <class P, Op kOp>
struct Predicate {
  using ExpressionOf = typename P::Model;
  using Path = P;
  static constexpr Op op = kOp;

  detail::Condition condition;

  explicit Predicate(bson::OwnedValue value)
      : condition{.path = P::name, .op = kOp, .value = std::move(value)} {}

  void visit(detail::Conjunction& out) const { out.conditions.push_back(&condition); }
  void shape(std::string& out) const { detail::append_shape(out, condition); }
};

template <Expression... Parts>
struct And {
  using ExpressionOf = typename std::tuple_element_t<0, std::tuple<Parts...>>::ExpressionOf;
  std::tuple<Parts...> parts;

  void visit(detail::Conjunction& out) const {
    std::apply([&](const Parts&... part) { (part.visit(out), ...); }, parts);
  }
  void shape(std::string& out) const {
    std::apply([&](const Parts&... part) { ((part.shape(out), out += ','), ...); }, parts);
    out.pop_back();
  }
};

template <Expression E>
[[nodiscard]] bson::Document to_bson(const E& expression) {
  detail::Conjunction conjunction;
  expression.visit(conjunction);
  return detail::write(conjunction);
}

template <Expression... Parts>
struct Or {
  using ExpressionOf = typename std::tuple_element_t<0, std::tuple<Parts...>>::ExpressionOf;
  std::tuple<Parts...> parts;

  void visit(detail::Conjunction& out) const {
    out.alternatives.push_back(std::apply(
        [](const Parts&... part) { return bson::make_array(query::to_bson(part)...); }, parts));
  }
  void shape(std::string& out) const {
    out += "$or(";
    std::apply([&](const Parts&... part) { ((part.shape(out), out += '|'), ...); }, parts);
    out.back() = ')';
  }
};

// Every document: `all<User>()`.
template <class Model>
struct All {
  using ExpressionOf = Model;
  void visit(detail::Conjunction&) const {}
  void shape(std::string&) const {}
};
template <class Model>
[[nodiscard]] All<Model> all() {
  return {};
}

// The one way past the proof that an index serves a query; see served.hpp.
template <Expression E>
struct Unindexed {
  using ExpressionOf = typename E::ExpressionOf;
  E expression;

  void visit(detail::Conjunction& out) const { expression.visit(out); }
  void shape(std::string& out) const { expression.shape(out); }
};
template <Expression E>
[[nodiscard]] Unindexed<E> unindexed(E expression) {
  return {std::move(expression)};
}

// Whether a `V` may stand for a `T` in a filter or an update: it converts by itself, nothing is
// lost on the way, and it is not another constrained type (a generation's id is no user's id, for
// all that both are texts).
template <class V, class T>
concept ValueFor = std::same_as<V, T> ||
    (!requires { typename V::Wire; } &&
     (std::convertible_to<V, T> ||
      (std::same_as<T, std::string> && std::convertible_to<V, std::string_view>)) &&
     (!std::is_arithmetic_v<T> ||
      (requires(V value) { T{value}; } && std::same_as<T, bool> == std::same_as<V, bool>)));

template <class P>
struct Field {
  using Value = ElementOf<typename P::Value>;

  template <ValueFor<Value> V>
  friend Predicate<P, Op::kEqual> operator==(Field, const V& value) {
    return make<Op::kEqual>(value);
  }
  template <ValueFor<Value> V>
  friend Predicate<P, Op::kNotEqual> operator!=(Field, const V& value) {
    return make<Op::kNotEqual>(value);
  }
  template <ValueFor<Value> V>
  friend Predicate<P, Op::kLess> operator<(Field, const V& value) {
    return make<Op::kLess>(value);
  }
  template <ValueFor<Value> V>
  friend Predicate<P, Op::kLessEqual> operator<=(Field, const V& value) {
    return make<Op::kLessEqual>(value);
  }
  template <ValueFor<Value> V>
  friend Predicate<P, Op::kGreater> operator>(Field, const V& value) {
    return make<Op::kGreater>(value);
  }
  template <ValueFor<Value> V>
  friend Predicate<P, Op::kGreaterEqual> operator>=(Field, const V& value) {
    return make<Op::kGreaterEqual>(value);
  }

  // One of these; none of them means no document.
  [[nodiscard]] Predicate<P, Op::kIn> in(const std::vector<Value>& values) const {
    bson::Builder builder;
    {
      const auto list = builder.array("");
      for (const Value& value : values) schema::append(builder, builder.next_key(), value);
    }
    return Predicate<P, Op::kIn>(bson::OwnedValue(builder.finish()[""]));
  }
  // On a list: each of these is an element of it.
  [[nodiscard]] Predicate<P, Op::kAll> contains_all(const std::vector<Value>& values) const {
    bson::Builder builder;
    {
      const auto list = builder.array("");
      for (const Value& value : values) schema::append(builder, builder.next_key(), value);
    }
    return Predicate<P, Op::kAll>(bson::OwnedValue(builder.finish()[""]));
  }
  [[nodiscard]] Predicate<P, Op::kExists> exists() const { return Predicate<P, Op::kExists>({}); }
  [[nodiscard]] Predicate<P, Op::kMissing> missing() const {
    return Predicate<P, Op::kMissing>({});
  }

 private:
  template <Op kOp, class V>
  static Predicate<P, kOp> make(const V& value) {
    return Predicate<P, kOp>(detail::own<Value>(value));
  }
};

// `where<&User::email>`, nested `where<&User::credit_marks, &CreditMark::at>`. On a list it speaks
// of its elements, as MongoDB does.
template <auto... Members>
inline constexpr Field<Path<Members...>> where{};

namespace detail {

template <Expression E>
std::tuple<E> parts_of_and(E expression) {
  return {std::move(expression)};
}
template <Expression... Parts>
std::tuple<Parts...> parts_of_and(And<Parts...> expression) {
  return std::move(expression.parts);
}
template <class Model>
std::tuple<> parts_of_and(All<Model>) {
  return {};
}
template <Expression E>
std::tuple<E> parts_of_or(E expression) {
  return {std::move(expression)};
}
template <Expression... Parts>
std::tuple<Parts...> parts_of_or(Or<Parts...> expression) {
  return std::move(expression.parts);
}

template <class>
inline constexpr bool is_unindexed = false;
template <class E>
inline constexpr bool is_unindexed<Unindexed<E>> = true;
template <class>
inline constexpr bool is_all = false;
template <class Model>
inline constexpr bool is_all<All<Model>> = true;

template <class Left, class Right>
concept Combinable = Expression<Left> && Expression<Right> &&
                     std::same_as<typename Left::ExpressionOf, typename Right::ExpressionOf> &&
                     !is_unindexed<Left> &&
                     !is_unindexed<Right>;

template <class... Parts>
auto make_and(std::tuple<Parts...> parts) {
  return And<Parts...>{std::move(parts)};
}
template <class Part>
Part make_and(std::tuple<Part> parts) {
  return std::get<0>(std::move(parts));
}
template <class... Parts>
Or<Parts...> make_or(std::tuple<Parts...> parts) {
  return {std::move(parts)};
}

}  // namespace detail

// Joins two filters of one model. `unindexed` stands around a whole expression, never inside one.
template <class Left, class Right>
requires detail::Combinable<Left, Right>
[[nodiscard]] auto operator&&(Left left, Right right) {
  if constexpr (detail::is_all<Left>) {
    return right;
  } else {
    return detail::make_and(std::tuple_cat(detail::parts_of_and(std::move(left)),
                                           detail::parts_of_and(std::move(right))));
  }
}
template <class Left, class Right>
requires(detail::Combinable<Left, Right> && !detail::is_all<Left> && !detail::is_all<Right>)
    [[nodiscard]] auto
    operator||(Left left, Right right) {
  return detail::make_or(
      std::tuple_cat(detail::parts_of_or(std::move(left)), detail::parts_of_or(std::move(right))));
}

// Fields and operators without the values: what a page's cursor is bound to.
template <Expression E>
[[nodiscard]] std::string shape(const E& expression) {
  std::string out;
  expression.shape(out);
  return out;
}

}  // namespace gesso::query
