// What a struct says about itself: its fields' names, types and texts, at compile time.
//
//   struct Account {
//     Id<"account_"> id;
//     Email email;
//     std::int64_t visits = 0;
//
//     static constexpr std::string_view kName = "Account";
//   };
//   GESSO_FIELDS(Account,
//     (id, "Assigned by the service."),
//     (email, "Login name."),
//     (visits, "Grows by one a day.", schema::kHasDefault))
//
//   static_assert(schema::field_name<&Account::email> == "email");
//   static_assert(schema::field_name<&Account::id> == "_id");
//
// A struct that repeats a field of another takes its text from there:
//   (email, schema::field_about<&Account::email>)
//
// A struct whose fields need neither texts nor flags (a projection, a result of an aggregation) is
// listed by BOOST_DESCRIBE_STRUCT instead. Both stand behind the struct, in its namespace. All of
// it is constant.
#pragma once

#include <algorithm>
#include <array>
#include <boost/describe/class.hpp>
#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>
#include <boost/preprocessor/seq/enum.hpp>
#include <boost/preprocessor/seq/for_each.hpp>
#include <boost/preprocessor/seq/transform.hpp>
#include <boost/preprocessor/tuple/elem.hpp>
#include <boost/preprocessor/variadic/to_seq.hpp>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace gesso::schema {

// Flags of a field; 0 for a plain one.
inline constexpr unsigned kHasDefault = 1;  // may be left out: the struct's own initialiser serves
inline constexpr unsigned kInternal = 2;    // in the database only: never in JSON, in or out

struct Field {
  std::string_view name;   // of the member
  std::string_view about;  // a sentence for the reader of the schema document
  unsigned flags = 0;

  [[nodiscard]] constexpr bool has_default() const { return (flags & kHasDefault) != 0; }
  [[nodiscard]] constexpr bool is_internal() const { return (flags & kInternal) != 0; }
};

template <class T>
concept Described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

// The described members, in order; each has `::pointer` and `::name`.
template <Described T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public>;

template <Described T>
inline constexpr std::size_t kFieldCount = boost::mp11::mp_size<Members<T>>::value;

namespace detail {

template <class Pointer>
struct MemberPointer;
template <class T, class M>
struct MemberPointer<M T::*> {
  using Model = T;
  using Type = M;
};

// The type of the member that one of `Members` describes.
template <class Descriptor>
using TypeOf = typename MemberPointer<std::remove_const_t<decltype(Descriptor::pointer)>>::Type;

template <class T>
concept HasFields = requires(const T* model) {
  gesso_fields(model);
};

// The member `id` is the document's key.
constexpr std::string_view bson_name(std::string_view member) {
  return member == "id" ? std::string_view("_id") : member;
}

template <Described T>
consteval std::array<Field, kFieldCount<T>> make_fields() {
  if constexpr (HasFields<T>) {
    return gesso_fields(static_cast<const T*>(nullptr));
  } else {
    std::array<Field, kFieldCount<T>> fields{};
    std::size_t count = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) { fields[count++].name = member.name; });
    return fields;
  }
}

template <Described T>
consteval std::array<std::string_view, kFieldCount<T>> make_bson_names() {
  std::array<std::string_view, kFieldCount<T>> names{};
  std::size_t count = 0;
  boost::mp11::mp_for_each<Members<T>>(
      [&](auto member) { names[count++] = bson_name(member.name); });
  return names;
}

template <auto Pointer>
consteval std::size_t find_member() {
  using Model = typename MemberPointer<decltype(Pointer)>::Model;
  std::size_t found = kFieldCount<Model>;
  std::size_t count = 0;
  boost::mp11::mp_for_each<Members<Model>>([&](auto member) {
    if constexpr (std::same_as<detail::TypeOf<decltype(member)>,
                               typename MemberPointer<decltype(Pointer)>::Type>) {
      if (member.pointer == Pointer) found = count;
    }
    ++count;
  });
  if (found == kFieldCount<Model>) throw "the member is not described";
  return found;
}

}  // namespace detail

// Name, text and flags of each field, in the order of the members.
template <Described T>
inline constexpr std::array<Field, kFieldCount<T>> kFieldsOf = detail::make_fields<T>();

// Each field's name in BSON.
template <Described T>
inline constexpr std::array<std::string_view, kFieldCount<T>> kBsonNames =
    detail::make_bson_names<T>();

// The struct that a member pointer points into, and the type of the member.
template <auto Pointer>
using ModelOf = typename detail::MemberPointer<decltype(Pointer)>::Model;
template <auto Pointer>
using FieldType = typename detail::MemberPointer<decltype(Pointer)>::Type;

// The position of a member among the described ones.
template <auto Pointer>
inline constexpr std::size_t field_index = detail::find_member<Pointer>();

// The field's name in BSON: "email"; "_id" for the member `id`.
template <auto Pointer>
inline constexpr std::string_view field_name = kBsonNames<ModelOf<Pointer>>[field_index<Pointer>];

// The sentence about the field; "" where its struct gives none.
template <auto Pointer>
inline constexpr std::string_view field_about =
    kFieldsOf<ModelOf<Pointer>>[field_index<Pointer>].about;

// `T::kName`, or "" where it has none.
template <Described T>
constexpr std::string_view name_of() {
  if constexpr (requires { T::kName; }) {
    return T::kName;
  } else {
    return {};
  }
}

// `T::kAbout`, or "" where it has none.
template <Described T>
constexpr std::string_view about() {
  if constexpr (requires { T::kAbout; }) {
    return T::kAbout;
  } else {
    return {};
  }
}

}  // namespace gesso::schema

// Lists the fields of a struct, once: each as (member, "a sentence about it") or (member, "a
// sentence", flags), in the order of the members.
#define GESSO_FIELDS(Struct, ...) GESSO_DETAIL_FIELDS(Struct, BOOST_PP_VARIADIC_TO_SEQ(__VA_ARGS__))
#define GESSO_DETAIL_FIELDS(Struct, list)                                                        \
  BOOST_DESCRIBE_STRUCT(Struct, (),                                                              \
                        (BOOST_PP_SEQ_ENUM(BOOST_PP_SEQ_TRANSFORM(GESSO_DETAIL_NAME, _, list)))) \
  [[maybe_unused]] constexpr auto gesso_fields(const Struct*) {                                  \
    return std::to_array<::gesso::schema::Field>(                                                \
        {BOOST_PP_SEQ_FOR_EACH(GESSO_DETAIL_FIELD, _, list)});                                   \
  }
#define GESSO_DETAIL_NAME(s, unused, field) BOOST_PP_TUPLE_ELEM(0, field)
#define GESSO_DETAIL_FIELD(r, unused, field) GESSO_DETAIL_FIELD_OF field
#define GESSO_DETAIL_FIELD_OF(member, ...) ::gesso::schema::Field{#member, __VA_ARGS__},
