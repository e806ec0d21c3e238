// Writes BSON, front to back, into one growing buffer.
//
//   Builder command;
//   command.append("find", "users");
//   {
//     auto filter = command.document("filter");  // closes itself
//     command.append("email", email);
//   }
//   Document result = command.finish();
//
// or, where the shape is fixed:
//
//   Document command = make_document("find", "users", "filter", make_document("email", email));
//   Document list = make_array(1, 2, 3);
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gesso/bson/view.hpp"

namespace gesso::bson {

// Marks a `Document` whose bytes are an array's.
struct Array {
  Document items;
  Array() = default;
  explicit Array(Document elements) : items(std::move(elements)) {}
};

// Owned by its maker, not thread-safe. Keys must not hold a NUL byte (Error, kValidation).
class Builder {
  std::vector<std::uint8_t> bytes_;
  struct Level {
    std::size_t start;
    std::uint32_t next_index;
  };
  std::vector<Level> open_;

 public:
  // Closes the nested document or array that it was given for.
  class [[nodiscard]] Scope {
    Builder& builder_;

   public:
    explicit Scope(Builder& builder) : builder_(builder) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { builder_.close(); }
  };

  Builder();

  Builder& append(std::string_view key, double value);
  Builder& append(std::string_view key, std::int32_t value);
  Builder& append(std::string_view key, std::int64_t value);
  Builder& append(std::string_view key, std::string_view value);
  Builder& append(std::string_view key, const char* value) {
    return append(key, std::string_view(value));
  }
  Builder& append(std::string_view key, const std::string& value) {
    return append(key, std::string_view(value));
  }
  // A template, so that nothing else converts to bool on the way.
  Builder& append(std::string_view key, std::same_as<bool> auto value) {
    return append_bool(key, value);
  }
  Builder& append(std::string_view key, Time value);
  Builder& append(std::string_view key, Null);
  Builder& append(std::string_view key, MinKey);
  Builder& append(std::string_view key, MaxKey);
  Builder& append(std::string_view key, const ObjectId& value);
  Builder& append(std::string_view key, Timestamp value);
  Builder& append(std::string_view key, Decimal128 value);
  Builder& append(std::string_view key, Binary value);
  Builder& append(std::string_view key, Regex value);
  Builder& append(std::string_view key, View value);
  Builder& append(std::string_view key, const Document& value) { return append(key, value.view()); }
  Builder& append(std::string_view key, const Array& value);
  // Any value; a missing one appends nothing.
  Builder& append(std::string_view key, Value value);
  // A value of `type` whose payload is given as it is stored.
  Builder& append_raw(std::string_view key, Type type, std::span<const std::uint8_t> payload);

  // Appends a value, as `append` takes it, under the next array position.
  template <class T>
  Builder& push(T&& value) {
    return append(next_key(), std::forward<T>(value));
  }

  // All elements of another document.
  Builder& append_all(View other);
  // Appends one element of another document, under its own name.
  Builder& append_element(const Element& element) { return append(element.key, element.value); }

  Scope document(std::string_view key);
  Scope array(std::string_view key);
  // Begin an embedded document or array without a scope. REQUIRES: a `close` for each, innermost
  // first, before `finish`.
  void open_document(std::string_view key);
  void open_array(std::string_view key);
  void close();
  // The next position of the array (or document) that is open, as a key.
  std::string next_key();

  // Bytes so far.
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  // Every opened level must be closed. Leaves the builder empty and ready for another document.
  [[nodiscard]] Document finish();

 private:
  Builder& append_bool(std::string_view key, bool value);
  void header(Type type, std::string_view key);
  void put_text(std::string_view text);
  template <class T>
  void put(const T& value);
};

namespace detail {

inline void append_pairs(Builder&) {}

template <class T, class... Rest>
void append_pairs(Builder& builder, std::string_view key, T&& value, Rest&&... rest) {
  builder.append(key, std::forward<T>(value));
  append_pairs(builder, std::forward<Rest>(rest)...);
}

}  // namespace detail

// Keys and values in turn.
template <class... Pairs>
[[nodiscard]] Document make_document(Pairs&&... pairs) {
  static_assert(sizeof...(Pairs) % 2 == 0, "make_document takes keys and values in turn");
  Builder builder;
  detail::append_pairs(builder, std::forward<Pairs>(pairs)...);
  return builder.finish();
}

template <class... Values>
[[nodiscard]] Array make_array(Values&&... values) {
  Builder builder;
  (builder.push(std::forward<Values>(values)), ...);
  return Array(builder.finish());
}

}  // namespace gesso::bson
