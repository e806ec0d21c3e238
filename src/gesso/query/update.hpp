// Typed updates: `update(set<&User::full_name>(name), inc<&User::total_generations>(1))`.
//
// Owns its values. A member that the model does not have, or a value of the wrong type, does not
// compile. Updates name fields, they never replace a document: what is stored and unknown to the
// model survives.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/query/filter.hpp"
#include "gesso/query/path.hpp"
#include "gesso/schema/codec.hpp"

namespace gesso::query {

namespace detail {

struct Change {
  std::string_view operation;  // "$set"
  std::string_view path;
  bson::OwnedValue value;
};

[[nodiscard]] bson::Document write(const std::vector<Change>& changes);

template <class Model>
struct ChangeOf : Change {};

template <auto Member>
constexpr bool is_list =
    !std::is_same_v<Present<schema::FieldType<Member>>, ElementOf<schema::FieldType<Member>>>;

// A plain number's type, for operands that need not fulfil the field's own bounds.
template <class T>
struct NumberOf {
  using type = T;
};
template <class T>
requires requires { typename T::Wire; }
struct NumberOf<T> {
  using type = typename T::Wire;
};

template <auto... Members>
auto change(std::string_view operation, bson::OwnedValue value) {
  using P = Path<Members...>;
  return ChangeOf<typename P::Model>{{operation, P::name, std::move(value)}};
}

}  // namespace detail

template <class Model>
class Update {
  std::vector<detail::Change> changes_;

 public:
  Update() = default;
  explicit Update(std::vector<detail::Change> changes) : changes_(std::move(changes)) {}

  void add(detail::ChangeOf<Model> change) { changes_.push_back(std::move(change)); }
  [[nodiscard]] bool empty() const { return changes_.empty(); }
  // Whether it changes that field (by its path in the database).
  [[nodiscard]] bool touches(std::string_view path) const;
  [[nodiscard]] const std::vector<detail::Change>& changes() const { return changes_; }
};

template <class Model>
bool Update<Model>::touches(std::string_view path) const {
  for (const detail::Change& change : changes_) {
    if (change.path == path) return true;
  }
  return false;
}

// All changes are of one model; no two of one field.
template <class Model, std::same_as<detail::ChangeOf<Model>>... More>
[[nodiscard]] Update<Model> update(detail::ChangeOf<Model> first, More... more) {
  std::vector<detail::Change> changes;
  changes.reserve(1 + sizeof...(More));
  changes.push_back(std::move(first));
  (changes.push_back(std::move(more)), ...);
  return Update<Model>(std::move(changes));
}

// `{$set: {full_name: "..."}, $inc: {total_generations: 1}}`
template <class Model>
[[nodiscard]] bson::Document to_bson(const Update<Model>& update) {
  return detail::write(update.changes());
}

template <auto... Members, ValueFor<Present<typename Path<Members...>::Value>> V>
[[nodiscard]] auto set(const V& value) {
  return detail::change<Members...>("$set",
                                    detail::own<Present<typename Path<Members...>::Value>>(value));
}
// Only where the update inserts.
template <auto... Members, ValueFor<Present<typename Path<Members...>::Value>> V>
[[nodiscard]] auto set_on_insert(const V& value) {
  return detail::change<Members...>("$setOnInsert",
                                    detail::own<Present<typename Path<Members...>::Value>>(value));
}
template <auto... Members>
[[nodiscard]] auto unset() {
  static_assert(
      !std::is_same_v<typename Path<Members...>::Value, Present<typename Path<Members...>::Value>>,
      "unset is for optional fields: without it the document would not decode");
  return detail::change<Members...>("$unset", detail::own<bool>(true));
}
// Adds, or with a negative number takes away. The result is not checked against the field's
// bounds: put a condition on it into the filter.
template <auto... Members, class V>
requires ValueFor<V, typename detail::NumberOf<Present<typename Path<Members...>::Value>>::type>
[[nodiscard]] auto inc(V by) {
  using Number = typename detail::NumberOf<Present<typename Path<Members...>::Value>>::type;
  return detail::change<Members...>("$inc", detail::own<Number>(by));
}
// Lowers the field to `value` where it is above; raises it where it is below.
template <auto... Members, ValueFor<Present<typename Path<Members...>::Value>> V>
[[nodiscard]] auto min(const V& value) {
  return detail::change<Members...>("$min",
                                    detail::own<Present<typename Path<Members...>::Value>>(value));
}
template <auto... Members, ValueFor<Present<typename Path<Members...>::Value>> V>
[[nodiscard]] auto max(const V& value) {
  return detail::change<Members...>("$max",
                                    detail::own<Present<typename Path<Members...>::Value>>(value));
}

// Appends to a list.
template <auto List, ValueFor<ElementOf<schema::FieldType<List>>> V>
requires detail::is_list<List>
[[nodiscard]] auto push(const V& value) {
  return detail::change<List>("$push", detail::own<ElementOf<schema::FieldType<List>>>(value));
}
// Appends to a list, of which the last `most` elements stay.
template <auto List, ValueFor<ElementOf<schema::FieldType<List>>> V>
requires detail::is_list<List>
[[nodiscard]] auto push_bounded(const V& value, std::int32_t most) {
  bson::Builder builder;
  {
    const auto added = builder.array("$each");
    schema::append(builder, builder.next_key(), ElementOf<schema::FieldType<List>>(value));
  }
  builder.append("$slice", -most);
  const bson::Document document = builder.finish();
  return detail::change<List>(
      "$push", bson::OwnedValue(bson::Value(bson::Type::kDocument, document.data())));
}
// Removes the elements that equal a value,
template <auto List, ValueFor<ElementOf<schema::FieldType<List>>> V>
requires detail::is_list<List>
[[nodiscard]] auto pull(const V& value) {
  return detail::change<List>("$pull", detail::own<ElementOf<schema::FieldType<List>>>(value));
}
// or those that a filter of the element's members matches.
template <auto List, Expression E>
requires(detail::is_list<List>&&
             std::same_as<typename E::ExpressionOf, ElementOf<schema::FieldType<List>>>)
    [[nodiscard]] auto pull(const E& matching) {
  return detail::change<List>(
      "$pull",
      bson::OwnedValue(bson::Value(bson::Type::kDocument, query::to_bson(matching).data())));
}

}  // namespace gesso::query
