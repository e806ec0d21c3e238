// The codecs of the fields' types: how each goes to BSON and JSON and comes back. See codec.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/schema/access.hpp"
#include "gesso/schema/decode.hpp"
#include "gesso/schema/enum.hpp"
#include "gesso/schema/json_text.hpp"
#include "gesso/schema/object.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::schema {

// A field of a change: not given, given as null (take the value away), or given with a value.
template <class T>
using Clearable = std::optional<std::optional<T>>;

enum class SchemaUse {
  kInput,   // what we accept: a field with a default may be left out, an unknown one may not come
  kOutput,  // what we send: every field is there
};

// Text, Email, Integer, ...: a plain value (`Wire`) and the rule that it obeys.
template <class T>
concept Constrained = requires(typename T::Wire wire) {
  { T::check(wire) } -> std::same_as<std::optional<Violation>>;
  { T::expected() } -> std::same_as<std::string>;
};

// The codec of a field's type, specialised below:
//   static void append(bson::Builder&, std::string_view key, const T&);
//   static void decode(bson::Value, const At&, Decoding&, T& into);
//   static void write(std::string& json, const T&);
//   static void json_schema(bson::Builder& keywords);
//   static std::string bson_type();   // "string", "array of string"
//   static std::string expected();    // "string of 1 to 2000 characters"
// `append` is absent where the type must not be stored, `write` and `json_schema` where it must
// not be shown.
template <class T>
struct Codec;

// Whether a value of the type may be stored, and shown in JSON.
template <class T>
concept InBson = requires(bson::Builder& builder, const T& value) {
  Codec<T>::append(builder, std::string_view(), value);
};
template <class T>
concept InJson = requires(std::string& out, const T& value) {
  Codec<T>::write(out, value);
};

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

// The keywords of a type; of a struct, and of what holds one, for that use.
template <class T>
void write_schema(bson::Builder& keywords, SchemaUse use) {
  if constexpr (requires { Codec<T>::json_schema(keywords, use); }) {
    Codec<T>::json_schema(keywords, use);
  } else {
    Codec<T>::json_schema(keywords);
  }
}

}  // namespace detail

// ---- plain values -------------------------------------------------------------------------------

template <>
struct Codec<bool> {
  static void append(bson::Builder& builder, std::string_view key, bool value) {
    builder.append(key, value);
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, bool& into);
  static void write(std::string& out, bool value) { write_json_bool(out, value); }
  static void json_schema(bson::Builder& keywords) { keywords.append("type", "boolean"); }
  static std::string bson_type() { return "bool"; }
  static std::string expected() { return "true or false"; }
};

template <>
struct Codec<std::int64_t> {
  static void append(bson::Builder& builder, std::string_view key, std::int64_t value) {
    builder.append(key, value);
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, std::int64_t& into);
  static void write(std::string& out, std::int64_t value) { write_json_integer(out, value); }
  static void json_schema(bson::Builder& keywords) { keywords.append("type", "integer"); }
  static std::string bson_type() { return "long"; }
  static std::string expected() { return "integer"; }
};

template <>
struct Codec<double> {
  static void append(bson::Builder& builder, std::string_view key, double value) {
    builder.append(key, value);
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, double& into);
  static void write(std::string& out, double value) { write_json_number(out, value); }
  static void json_schema(bson::Builder& keywords) { keywords.append("type", "number"); }
  static std::string bson_type() { return "double"; }
  static std::string expected() { return "number"; }
};

template <>
struct Codec<std::string_view> {  // written, never decoded: nobody would own it
  static void append(bson::Builder& builder, std::string_view key, std::string_view value) {
    builder.append(key, value);
  }
  static void write(std::string& out, std::string_view value) { write_json_string(out, value); }
  static std::string bson_type() { return "string"; }
};

template <>
struct Codec<std::string> : Codec<std::string_view> {
  static void decode(bson::Value value, const At& at, Decoding& decoding, std::string& into);
  static void json_schema(bson::Builder& keywords) { keywords.append("type", "string"); }
  static std::string expected() { return "string"; }
};

template <>
struct Codec<Time> {
  static void append(bson::Builder& builder, std::string_view key, Time value) {
    builder.append(key, value);
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, Time& into);
  static void write(std::string& out, Time value);
  static void json_schema(bson::Builder& keywords) {
    keywords.append("type", "string").append("format", "date-time");
  }
  static std::string bson_type() { return "date"; }
  static std::string expected() { return "date and time"; }
};

template <>
struct Codec<Object> {
  static void append(bson::Builder& builder, std::string_view key, const Object& value) {
    builder.append(key, value.view());
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, Object& into);
  static void write(std::string& out, const Object& value) { write_json_object(out, value.view()); }
  static void json_schema(bson::Builder& keywords) { keywords.append("type", "object"); }
  static std::string bson_type() { return "object"; }
  static std::string expected() { return Object::expected(); }
};

// ---- enumerations -------------------------------------------------------------------------------

template <TextEnum E>
struct Codec<E> {
  static void append(bson::Builder& builder, std::string_view key, E value) {
    builder.append(key, to_string(value));
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, E& into) {
    if (value.is_string()) {
      if (const std::optional<E> parsed = parse_enum<E>(value.as_string())) {
        into = *parsed;
        return;
      }
    }
    decoding.add(at, not_in_enum(kWireTexts<E>, value));
  }
  static void write(std::string& out, E value) { write_json_string(out, to_string(value)); }
  static void json_schema(bson::Builder& keywords) {
    keywords.append("type", "string");
    const auto texts = keywords.array("enum");
    for (const std::string_view text : kWireTexts<E>) keywords.push(text);
  }
  static std::string bson_type() { return "string"; }
  static std::string expected() { return alternatives(kWireTexts<E>); }
};

// ---- constrained types --------------------------------------------------------------------------

namespace detail {

template <class T>
concept Secretive = requires {
  requires T::kSecret;
};
template <class T>
concept NeverInBson = requires {
  requires !T::kInBson;
};
template <class T>
concept NeverInJson = requires {
  requires !T::kInJson;
};

}  // namespace detail

template <Constrained T>
struct Codec<T> {
  using Wire = typename T::Wire;

  static void append(bson::Builder& builder, std::string_view key,
                     const T& value) requires(!detail::NeverInBson<T>) {
    builder.append(key, value.wire());
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, T& into) {
    Wire wire{};
    if (std::optional<Violation> violation = read(value, decoding.format(), wire)) {
      violation->expected = T::expected();
      if constexpr (detail::Secretive<T>) violation->found = bson::type_name(value.type());
      return decoding.add(at, std::move(*violation));
    }
    if (std::optional<Violation> violation = T::check(wire)) {
      return decoding.add(at, std::move(*violation));
    }
    Access::set(into, wire);
  }
  static void write(std::string& out, const T& value) requires(!detail::NeverInJson<T>) {
    Codec<Wire>::write(out, value.wire());
  }
  static void json_schema(bson::Builder& keywords) requires requires { T::json_schema(keywords); }
  { T::json_schema(keywords); }
  static std::string bson_type() { return Codec<Wire>::bson_type(); }
  static std::string expected() { return T::expected(); }
};

// ---- optional and vector ------------------------------------------------------------------------

template <class T>
struct Codec<std::optional<T>> {
  static void append(bson::Builder& builder, std::string_view key,
                     const std::optional<T>& value) requires InBson<T> {
    if (!value) return;
    if constexpr (detail::is_optional<T>) {
      if (!*value) {
        builder.append(key, bson::Null{});
        return;
      }
    }
    Codec<T>::append(builder, key, *value);
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, std::optional<T>& into) {
    if (value.is_null()) {
      if constexpr (detail::is_optional<T>) {
        into.emplace();
      } else {
        into.reset();
      }
      return;
    }
    T inner = Access::make<T>();
    Codec<T>::decode(value, at, decoding, inner);
    into = std::move(inner);
  }
  static void write(std::string& out, const std::optional<T>& value) requires InJson<T> {
    if (value) {
      Codec<T>::write(out, *value);
    } else {
      write_json_null(out);
    }
  }
  static void json_schema(bson::Builder& keywords,
                          SchemaUse use = SchemaUse::kInput) requires requires {
    Codec<T>::json_schema(keywords);
  }
  {
    if constexpr (detail::is_optional<T>) {
      detail::write_schema<T>(keywords, use);
    } else {
      const auto any_of = keywords.array("anyOf");
      {
        const auto inner = keywords.document(keywords.next_key());
        detail::write_schema<T>(keywords, use);
      }
      const auto null = keywords.document(keywords.next_key());
      keywords.append("type", "null");
    }
  }
  static std::string bson_type() { return Codec<T>::bson_type(); }
  static std::string expected() { return Codec<T>::expected(); }
};

template <class T>
struct Codec<std::vector<T>> {
  static void append(bson::Builder& builder, std::string_view key,
                     const std::vector<T>& items) requires InBson<T> {
    const auto array = builder.array(key);
    for (const T& item : items) Codec<T>::append(builder, builder.next_key(), item);
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, std::vector<T>& into) {
    if (!value.is_array()) {
      Violation violation = wrong_type("list_type", "Input should be a valid list", value);
      violation.expected = expected();
      decoding.add(at, std::move(violation));
      return;
    }
    into.clear();
    std::size_t index = 0;
    for (const bson::Element& element : value.as_document()) {
      T item = Access::make<T>();
      Codec<T>::decode(element.value, At{.up = &at, .index = index++}, decoding, item);
      into.push_back(std::move(item));
    }
  }
  static void write(std::string& out, const std::vector<T>& items) requires InJson<T> {
    out += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ',';
      Codec<T>::write(out, items[i]);
    }
    out += ']';
  }
  static void json_schema(bson::Builder& keywords,
                          SchemaUse use = SchemaUse::kInput) requires requires {
    Codec<T>::json_schema(keywords);
  }
  {
    keywords.append("type", "array");
    const auto items = keywords.document("items");
    detail::write_schema<T>(keywords, use);
  }
  static std::string bson_type() { return "array of " + Codec<T>::bson_type(); }
  static std::string expected() { return "list, each " + Codec<T>::expected(); }
};

}  // namespace gesso::schema
