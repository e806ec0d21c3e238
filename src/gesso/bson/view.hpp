// Read-only views into BSON bytes that somebody else owns, and `Document`, which owns them.
//
// Views are two words, copied by value, and valid as long as the bytes are. They trust the bytes:
// whatever comes from outside passes `View::validate` first. Thread-safe as any const data.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/bson/types.hpp"

namespace gesso::bson {

class View;

namespace detail {

template <class T>
[[nodiscard]] inline T load(const std::uint8_t* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);  // BSON is little-endian, and so are we (asserted below)
  return value;
}

// Of each type: the bytes of its payload where all have as many, else 0.
inline constexpr std::array<std::uint8_t, 256> kFixedSizes = [] {
  std::array<std::uint8_t, 256> sizes{};
  const auto set = [&](Type type, std::uint8_t size) {
    sizes[static_cast<std::uint8_t>(type)] = size;
  };
  set(Type::kDouble, 8);
  set(Type::kObjectId, 12);
  set(Type::kBool, 1);
  set(Type::kDate, 8);
  set(Type::kInt32, 4);
  set(Type::kTimestamp, 8);
  set(Type::kInt64, 8);
  set(Type::kDecimal128, 16);
  return sizes;
}();

// Bytes that the payload of a value takes, of a type whose payloads differ; 0 for the others.
[[nodiscard]] std::size_t varying_payload_size(Type type, const std::uint8_t* payload) noexcept;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

}  // namespace detail

// One value: its type and its payload. The accessors `as_*` do not convert and do not check: ask
// `type()` (or `is_*`) first.
class Value {
  const std::uint8_t* payload_ = nullptr;
  Type type_ = Type::kMissing;

 public:
  Value() = default;
  Value(Type type, const std::uint8_t* payload) noexcept : payload_(payload), type_(type) {}

  [[nodiscard]] Type type() const noexcept { return type_; }
  // Whether there is a value at all (null is one).
  explicit operator bool() const noexcept { return type_ != Type::kMissing; }

  [[nodiscard]] bool is(Type type) const noexcept { return type_ == type; }
  [[nodiscard]] bool is_missing() const noexcept { return type_ == Type::kMissing; }
  [[nodiscard]] bool is_null() const noexcept { return type_ == Type::kNull; }
  [[nodiscard]] bool is_string() const noexcept { return type_ == Type::kString; }
  [[nodiscard]] bool is_document() const noexcept { return type_ == Type::kDocument; }
  [[nodiscard]] bool is_array() const noexcept { return type_ == Type::kArray; }
  [[nodiscard]] bool is_number() const noexcept {
    return type_ == Type::kInt32 || type_ == Type::kInt64 || type_ == Type::kDouble ||
           type_ == Type::kDecimal128;
  }

  [[nodiscard]] double as_double() const noexcept { return detail::load<double>(payload_); }
  [[nodiscard]] std::int32_t as_int32() const noexcept {
    return detail::load<std::int32_t>(payload_);
  }
  [[nodiscard]] std::int64_t as_int64() const noexcept {
    return detail::load<std::int64_t>(payload_);
  }
  [[nodiscard]] bool as_bool() const noexcept { return *payload_ != 0; }
  [[nodiscard]] Time as_date() const noexcept {
    return Time{std::chrono::milliseconds{as_int64()}};
  }
  // String, symbol and code.
  [[nodiscard]] std::string_view as_string() const noexcept {
    const auto length = detail::load<std::uint32_t>(payload_);
    return {reinterpret_cast<const char*>(payload_ + 4), length - 1};
  }
  // Document and array.
  [[nodiscard]] View as_document() const noexcept;
  [[nodiscard]] ObjectId as_object_id() const noexcept { return detail::load<ObjectId>(payload_); }
  [[nodiscard]] Timestamp as_timestamp() const noexcept {
    return {.seconds = detail::load<std::uint32_t>(payload_ + 4),
            .increment = detail::load<std::uint32_t>(payload_)};
  }
  [[nodiscard]] Decimal128 as_decimal128() const noexcept {
    return {.low = detail::load<std::uint64_t>(payload_),
            .high = detail::load<std::uint64_t>(payload_ + 8)};
  }
  [[nodiscard]] Binary as_binary() const noexcept {
    const auto length = detail::load<std::uint32_t>(payload_);
    return {.subtype = payload_[4], .bytes = {payload_ + 5, length}};
  }
  [[nodiscard]] Regex as_regex() const noexcept {
    const std::string_view pattern(reinterpret_cast<const char*>(payload_));
    return {.pattern = pattern,
            .options = reinterpret_cast<const char*>(payload_ + pattern.size() + 1)};
  }

  // Any number, converted: decimals to the nearest double, integers beyond 2^53 rounded.
  [[nodiscard]] double number() const noexcept;
  // Any number that is integral and fits; std::nullopt otherwise.
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept;
  // What a command means by a flag: false for false, 0 of any number type, null and missing.
  [[nodiscard]] bool truthy() const noexcept;

  // The payload as it is stored.
  [[nodiscard]] std::span<const std::uint8_t> raw() const noexcept {
    const std::uint8_t fixed = detail::kFixedSizes[static_cast<std::uint8_t>(type_)];
    return {payload_, fixed != 0 ? fixed : detail::varying_payload_size(type_, payload_)};
  }
};

struct Element {
  std::string_view key;
  Value value;
};

// A document or an array.
class View {
  const std::uint8_t* data_;

 public:
  class Iterator {
    const std::uint8_t* at_ = nullptr;
    Element element_;

    void read() noexcept {
      const auto type = static_cast<Type>(*at_);
      if (type == Type::kMissing) {
        element_ = {};
        return;
      }
      const char* key = reinterpret_cast<const char*>(at_ + 1);
      const std::size_t length = std::strlen(key);
      element_ = {.key = {key, length}, .value = Value(type, at_ + length + 2)};
    }

   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Element;
    using difference_type = std::ptrdiff_t;
    using pointer = const Element*;
    using reference = const Element&;

    Iterator() = default;
    explicit Iterator(const std::uint8_t* at) noexcept : at_(at) { read(); }

    reference operator*() const noexcept { return element_; }
    pointer operator->() const noexcept { return &element_; }
    Iterator& operator++() noexcept {
      const std::span<const std::uint8_t> payload = element_.value.raw();
      at_ = payload.data() + payload.size();
      read();
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    // Equal where both are at an end, or at the same element.
    friend bool operator==(const Iterator& left, const Iterator& right) noexcept {
      return left.element_.value.is_missing() ? right.element_.value.is_missing()
                                              : left.at_ == right.at_;
    }
    // The element's bytes start here: type, key, payload.
    [[nodiscard]] const std::uint8_t* position() const noexcept { return at_; }
  };

  // The empty document.
  View() noexcept;
  // Trusts that a whole, valid document starts at `data`.
  explicit View(const std::uint8_t* data) noexcept : data_(data) {}

  // Checks bytes from outside: lengths, terminators, known types, UTF-8 in keys and strings, and
  // at most `max_depth` levels. The document must fill `bytes` exactly. On failure returns
  // std::nullopt and, if `why` is given, a message that says at which byte and what.
  [[nodiscard]] static std::optional<View> validate(std::span<const std::uint8_t> bytes,
                                                    std::string* why = nullptr,
                                                    int max_depth = kMaxDepth);
  static constexpr int kMaxDepth = 200;

  [[nodiscard]] const std::uint8_t* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return detail::load<std::uint32_t>(data_); }
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return {data_, size()}; }
  [[nodiscard]] bool empty() const noexcept { return size() == 5; }

  [[nodiscard]] Iterator begin() const noexcept { return Iterator(data_ + 4); }
  [[nodiscard]] Iterator end() const noexcept { return {}; }

  // The first element of that name; a missing value if there is none. Linear in the elements.
  [[nodiscard]] Value operator[](std::string_view key) const noexcept;
  [[nodiscard]] bool contains(std::string_view key) const noexcept {
    return static_cast<bool>((*this)[key]);
  }
  // Follows member names and array positions, "a.b.0"; does not fan out over arrays.
  [[nodiscard]] Value at_path(std::string_view dotted) const noexcept;
  // The number of elements. Linear.
  [[nodiscard]] std::size_t count() const noexcept;
};

// Owns the bytes of one document or array. Rule of zero.
class Document {
  std::vector<std::uint8_t> bytes_;

 public:
  // The empty document.
  Document() : bytes_{5, 0, 0, 0, 0} {}
  // Copies the bytes of the view, which may end afterwards.
  explicit Document(View view) : bytes_(view.data(), view.data() + view.size()) {}
  // Takes over the bytes. REQUIRES: they are one whole, valid document.
  explicit Document(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] View view() const noexcept { return View(bytes_.data()); }
  operator View() const noexcept { return view(); }  // NOLINT: a Document is readable as a View
  [[nodiscard]] const std::uint8_t* data() const noexcept { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return bytes_.size() == 5; }
  [[nodiscard]] Value operator[](std::string_view key) const noexcept { return view()[key]; }
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return view().contains(key); }
  [[nodiscard]] std::vector<std::uint8_t> release() && { return std::move(bytes_); }

  friend bool operator==(const Document&, const Document&) = default;  // byte for byte
};

// Owns one value of any type.
class OwnedValue {
  std::vector<std::uint8_t> payload_;
  Type type_ = Type::kMissing;

 public:
  OwnedValue() = default;
  // Copies the value's bytes, which may end afterwards.
  explicit OwnedValue(Value value);

  [[nodiscard]] Value view() const noexcept { return {type_, payload_.data()}; }
  [[nodiscard]] Type type() const noexcept { return type_; }
};

inline View Value::as_document() const noexcept { return View(payload_); }

}  // namespace gesso::bson
