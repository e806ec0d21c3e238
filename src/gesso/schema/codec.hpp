// How each type of field goes to BSON and JSON and comes back, and what JSON Schema says of it.
//
//   bson::Document stored = schema::to_bson(user);
//   User user = schema::from_bson<User>(stored);
//   std::string text = schema::to_json(user);
//   UserCreate request = schema::from_json<UserCreate>(body);  // schema/json.hpp
//
// A field's type is one of: bool, std::int64_t, double, std::string, Time, an enumeration with
// texts, `Object`, a constrained type (Text, Email, Integer, ...), a described struct, and
// std::optional and std::vector of these. An absent optional is not stored; in JSON it is null.
// std::optional<std::optional<T>> (`Clearable<T>`) tells "leave it" from "null".
//
// Functions only; thread-safe. Decoding throws Error (kValidation) that holds every violation.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/schema/field_codec.hpp"
#include "gesso/schema/struct_codec.hpp"

namespace gesso::schema {

// A field of any type; an absent optional appends nothing.
template <InBson T>
void append(bson::Builder& builder, std::string_view key, const T& value) {
  Codec<T>::append(builder, key, value);
}

template <Described T>
requires InBson<T>
[[nodiscard]] bson::Document to_bson(const T& value) {
  bson::Builder builder;
  builder.reserve(1024);  // most of ours, without growing on the way
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
  out.reserve(1024);
  Codec<T>::write(out, value);
  return out;
}

}  // namespace gesso::schema
