// Projections: some of a model's fields, read into a type of their own.
//
//   struct UserCard { UserId id; Email email; };
//   BOOST_DESCRIBE_STRUCT(UserCard, (), (id, email))
//   users.find_many(where<&User::is_active> == true, unsorted, {.limit = 20}, project<UserCard>())
//
// The type's described members name the model's fields. It is not the model: no repository saves
// it, so half a document cannot overwrite a whole one.
#pragma once

#include <algorithm>
#include <string_view>

#include "gesso/bson/builder.hpp"
#include "gesso/schema/described.hpp"

namespace gesso::query {

template <schema::Described Into>
struct Projection {
  using Type = Into;
};

template <schema::Described Into>
[[nodiscard]] constexpr Projection<Into> project() {
  return {};
}

// Whether every member of `Into` is a field of `Model`.
template <class Into, class Model>
concept ProjectionOf = schema::Described<Into> && schema::Described<Model> &&
    std::ranges::all_of(schema::kBsonNames<Into>, [](std::string_view name) {
      return std::ranges::find(schema::kBsonNames<Model>, name) != schema::kBsonNames<Model>.end();
    });

// `{email: 1, full_name: 1, _id: 0}`
template <schema::Described Into>
[[nodiscard]] bson::Document to_bson(Projection<Into>) {
  bson::Builder builder;
  bool id = false;
  for (const std::string_view name : schema::kBsonNames<Into>) {
    builder.append(name, 1);
    id = id || name == "_id";
  }
  if (!id) builder.append("_id", 0);
  return builder.finish();
}

}  // namespace gesso::query
