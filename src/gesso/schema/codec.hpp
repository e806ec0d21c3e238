// How each type of field goes to BSON and JSON and comes back, and what JSON Schema says of it.
//
//   bson::Document stored = schema::to_bson(user);
//   User user = schema::from_bson<User>(stored);
//   std::string text = schema::to_json(user);
//   UserCreate request = schema::from_json<UserCreate>(body);   // schema/json.hpp
//
// A field's type is one of: bool, std::int64_t, double, std::string, Time, an enumeration with
// texts, `Object`, a constrained type (Text, Email, Integer, ...), a described struct, and
// std::optional and std::vector of these. An absent optional is not stored; in JSON it is null.
// std::optional<std::optional<T>> (`Clearable<T>`) tells "leave it" from "null".
//
// Functions only; thread-safe. Decoding throws Error (kValidation) that holds every violation.
#pragma once

#include <array>
#include <bitset>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/schema/access.hpp"
#include "gesso/schema/decode.hpp"
#include "gesso/schema/described.hpp"
#include "gesso/schema/enum.hpp"
#include "gesso/schema/json_text.hpp"
#include "gesso/schema/object.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::schema {

// A field of a change: not given, given as null (take the value away), or given with a value.
template <class T>
using Clearable = std::optional<std::optional<T>>;

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

// A struct with rules across its fields: `std::vector<Violation> check() const`, asked once every
// field has been read without a violation. Who builds such a struct in C++ asks it himself.
template <class T>
concept Checked = requires(const T& value) {
  { value.check() } -> std::same_as<std::vector<Violation>>;
};

enum class SchemaUse {
  kInput,   // what we accept: a field with a default may be left out, an unknown one may not come
  kOutput,  // what we send: every field is there
};

namespace detail {

// The position of `name`, looked for from `hint` on: fields come in the order of the members.
template <std::size_t N>
constexpr std::size_t find_name(const std::array<std::string_view, N>& names, std::string_view name,
                                std::size_t hint) {
  for (std::size_t i = hint; i < N; ++i) {
    if (names[i] == name) return i;
  }
  for (std::size_t i = 0; i < hint; ++i) {
    if (names[i] == name) return i;
  }
  return N;
}

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

}  // namespace detail

// ---- plain values -------------------------------------------------------------------------------

template <>
struct Codec<bool> {
  static void append(bson::Builder& builder, std::string_view key, bool value) {
    builder.append(key, value);
  }
  static void decode(bson::Value value, const At& at, Decoding& decoding, bool& into);
  static void write(std::string& out, bool value) { out += value ? "true" : "false"; }
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
    std::string_view text;
    std::optional<Violation> violation = read(value, decoding.format(), text);
    if (!violation) {
      if (const std::optional<E> parsed = parse_enum<E>(text)) {
        into = *parsed;
        return;
      }
      violation = not_in_enum(kWireTexts<E>, text);
    }
    violation->expected = expected();
    decoding.add(at, std::move(*violation));
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
    std::optional<Violation> violation = read(value, decoding.format(), wire);
    if (!violation) {
      violation = T::check(wire);
      if (!violation) {
        Access::set(into, wire);
        return;
      }
    } else {
      violation->expected = T::expected();
      if constexpr (detail::Secretive<T>) violation->found = bson::type_name(value.type());
    }
    decoding.add(at, std::move(*violation));
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
      out += "null";
    }
  }
  static void json_schema(bson::Builder& keywords) requires requires {
    Codec<T>::json_schema(keywords);
  }
  {
    if constexpr (detail::is_optional<T>) {
      Codec<T>::json_schema(keywords);
    } else {
      const auto any_of = keywords.array("anyOf");
      {
        const auto inner = keywords.document(keywords.next_key());
        Codec<T>::json_schema(keywords);
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
  static void json_schema(bson::Builder& keywords) requires requires {
    Codec<T>::json_schema(keywords);
  }
  {
    keywords.append("type", "array");
    const auto items = keywords.document("items");
    Codec<T>::json_schema(keywords);
  }
  static std::string bson_type() { return "array of " + Codec<T>::bson_type(); }
  static std::string expected() { return "list, each " + Codec<T>::expected(); }
};

// ---- structs ------------------------------------------------------------------------------------

template <Described T>
struct Codec<T> {
  static constexpr std::size_t kCount = kFieldCount<T>;

  // Whether every field may be stored; a struct with a `Password` may not.
  static constexpr bool kStorable = [] {
    bool storable = true;
    boost::mp11::mp_for_each<Members<T>>(
        [&](auto member) { storable = storable && InBson<detail::TypeOf<decltype(member)>>; });
    return storable;
  }();

  // The fields into the document that is open.
  static void append_fields(bson::Builder& builder, const T& value) requires kStorable {
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      Codec<detail::TypeOf<decltype(member)>>::append(builder, kBsonNames<T>[i++],
                                                      value.*member.pointer);
    });
  }
  static void append(bson::Builder& builder, std::string_view key,
                     const T& value) requires kStorable {
    const auto document = builder.document(key);
    append_fields(builder, value);
  }

  static void decode(bson::Value value, const At& at, Decoding& decoding, T& into) {
    if (value.is_document()) return decode_fields(value.as_document(), at, decoding, into);
    Violation violation =
        wrong_type("model_attributes_type",
                   "Input should be a valid dictionary or object to extract fields from", value);
    violation.expected = expected();
    decoding.add(at, std::move(violation));
  }

  static void decode_fields(bson::View document, const At& at, Decoding& decoding, T& into) {
    const bool json = decoding.format() == Format::kJson;
    const auto& names = json ? kJsonNames : kBsonNames<T>;
    [[maybe_unused]] const std::size_t before = decoding.violations().size();
    std::bitset<kCount> seen;
    std::size_t next = 0;
    for (const bson::Element& element : document) {
      const std::size_t i = detail::find_name(names, element.key, next);
      if (i == kCount || (json && !kVisible[i])) {
        if (json) unknown(element, at, decoding);
        continue;
      }
      next = i + 1;
      if (seen[i]) continue;  // the first one counts, as for whoever looks it up
      seen.set(i);
      kDecoders[i](element.value, At{.up = &at, .name = names[i]}, decoding, into);
    }
    if (!seen.all()) report_missing(seen, names, at, decoding);
    if constexpr (Checked<T>) {
      if (decoding.violations().size() > before) return;
      for (Violation& violation : into.check()) decoding.add(at, std::move(violation));
    }
  }

  static void write(std::string& out, const T& value) {
    out += '{';
    bool first = true;
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using F = detail::TypeOf<decltype(member)>;
      const std::size_t at = i++;
      if constexpr (InJson<F>) {
        if (!kVisible[at]) return;
        out += first ? "\"" : ",\"";
        first = false;
        out += kJsonNames[at];
        out += "\":";
        Codec<F>::write(out, value.*member.pointer);
      }
    });
    out += '}';
  }

  static void json_schema(bson::Builder& keywords) { json_schema(keywords, SchemaUse::kInput); }
  static void json_schema(bson::Builder& keywords, SchemaUse use);

  static std::string bson_type() { return "object"; }
  static std::string expected() {
    return name_of<T>().empty() ? "object" : "object: " + std::string(name_of<T>());
  }

 private:
  using Decoder = void (*)(bson::Value, const At&, Decoding&, T&);

  static constexpr std::array<std::string_view, kCount> kJsonNames = [] {
    std::array<std::string_view, kCount> names{};
    for (std::size_t i = 0; i < kCount; ++i) names[i] = kFieldsOf<T>[i].name;
    return names;
  }();

  static constexpr std::array<Decoder, kCount> kDecoders = [] {
    std::array<Decoder, kCount> decoders{};
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using M = decltype(member);
      decoders[i++] = [](bson::Value value, const At& at, Decoding& decoding, T& into) {
        Codec<detail::TypeOf<M>>::decode(value, at, decoding, into.*M::pointer);
      };
    });
    return decoders;
  }();

  // Whether a field may be left out.
  static constexpr std::array<bool, kCount> kOptional = [] {
    std::array<bool, kCount> optional{};
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using F = detail::TypeOf<decltype(member)>;
      optional[i] = detail::is_optional<F> || kFieldsOf<T>[i].has_default();
      ++i;
    });
    return optional;
  }();

  // Whether a field is seen in JSON: not internal, and of a type that may be read or shown there.
  static constexpr std::array<bool, kCount> kVisible = [] {
    std::array<bool, kCount> visible{};
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using F = detail::TypeOf<decltype(member)>;
      visible[i] = !kFieldsOf<T>[i].is_internal() && requires(bson::Builder & keywords) {
        Codec<F>::json_schema(keywords);
      };
      ++i;
    });
    return visible;
  }();

  static void unknown(const bson::Element& element, const At& at, Decoding& decoding) {
    decoding.add(At{.up = &at, .name = element.key}, extra_forbidden(element.value));
  }

  static void report_missing(const std::bitset<kCount>& seen,
                             const std::array<std::string_view, kCount>& names, const At& at,
                             Decoding& decoding) {
    std::size_t i = 0;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using F = detail::TypeOf<decltype(member)>;
      if (!seen[i] && !kOptional[i] && (decoding.format() == Format::kBson || kVisible[i])) {
        Violation violation = missing();
        violation.expected = Codec<F>::expected();
        decoding.add(At{.up = &at, .name = names[i]}, std::move(violation));
      }
      ++i;
    });
  }
};

// ---- what callers use ---------------------------------------------------------------------------

// A field of any type; an absent optional appends nothing.
template <InBson T>
void append(bson::Builder& builder, std::string_view key, const T& value) {
  Codec<T>::append(builder, key, value);
}

template <Described T>
requires InBson<T>
[[nodiscard]] bson::Document to_bson(const T& value) {
  bson::Builder builder;
  Codec<T>::append_fields(builder, value);
  return builder.finish();
}

// std::nullopt where the document does not decode; `violations` then says why.
template <Described T>
[[nodiscard]] std::optional<T> decode(bson::View document, Format format,
                                      std::vector<Violation>& violations) {
  Decoding decoding(format);
  std::optional<T> result(Access::make<T>());
  Codec<T>::decode_fields(document, At{}, decoding, *result);
  if (!decoding.ok()) {
    violations = std::move(decoding.violations());
    result.reset();
  }
  return result;
}

// Throws Error (kValidation).
template <Described T>
[[nodiscard]] T decode(bson::View document, Format format) {
  std::vector<Violation> violations;
  std::optional<T> result = decode<T>(document, format, violations);
  if (!result) throw validation_error(std::move(violations));
  return std::move(*result);
}

// Throws Error (kValidation).
template <Described T>
[[nodiscard]] T from_bson(bson::View document) {
  return decode<T>(document, Format::kBson);
}

// A document of the collection `ns`. Throws Error (kInternal, see `undecodable`).
template <Described T>
[[nodiscard]] T from_stored(bson::View document, std::string_view ns) {
  std::vector<Violation> violations;
  std::optional<T> result = decode<T>(document, Format::kBson, violations);
  if (!result) throw undecodable(ns, document, std::move(violations));
  return std::move(*result);
}

template <InJson T>
void write_json(std::string& out, const T& value) {
  Codec<T>::write(out, value);
}

template <InJson T>
[[nodiscard]] std::string to_json(const T& value) {
  std::string out;
  Codec<T>::write(out, value);
  return out;
}

}  // namespace gesso::schema
