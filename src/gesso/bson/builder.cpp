#include "gesso/bson/builder.hpp"

#include <cassert>
#include <cstring>

#include "gesso/base/error.hpp"

namespace gesso::bson {

template <class T>
void Builder::put(const T& value) {
  const std::size_t at = bytes_.size();
  bytes_.resize(at + sizeof value);
  std::memcpy(bytes_.data() + at, &value, sizeof value);
}

Builder::Builder() {
  bytes_.reserve(256);
  bytes_.resize(4);
  open_.push_back({.start = 0, .next_index = 0});
}

void Builder::header(Type type, std::string_view key) {
  if (key.find('\0') != std::string_view::npos) {
    throw Error(ErrorKind::kValidation, "a BSON key must not hold a NUL byte");
  }
  const std::size_t at = bytes_.size();
  bytes_.resize(at + 1 + key.size() + 1);  // the last of them stays 0
  bytes_[at] = static_cast<std::uint8_t>(type);
  key.copy(reinterpret_cast<char*>(bytes_.data()) + at + 1, key.size());
}

void Builder::put_text(std::string_view text) {
  const std::size_t at = bytes_.size();
  bytes_.resize(at + text.size());
  text.copy(reinterpret_cast<char*>(bytes_.data()) + at, text.size());
}

Builder& Builder::append(std::string_view key, double value) {
  header(Type::kDouble, key);
  put(value);
  return *this;
}

Builder& Builder::append(std::string_view key, std::int32_t value) {
  header(Type::kInt32, key);
  put(value);
  return *this;
}

Builder& Builder::append(std::string_view key, std::int64_t value) {
  header(Type::kInt64, key);
  put(value);
  return *this;
}

Builder& Builder::append(std::string_view key, std::string_view value) {
  header(Type::kString, key);
  const auto length = static_cast<std::uint32_t>(value.size() + 1);
  const std::size_t at = bytes_.size();
  bytes_.resize(at + sizeof length + length);  // the last of them stays 0
  std::memcpy(bytes_.data() + at, &length, sizeof length);
  value.copy(reinterpret_cast<char*>(bytes_.data()) + at + sizeof length, value.size());
  return *this;
}

Builder& Builder::append_bool(std::string_view key, bool value) {
  header(Type::kBool, key);
  bytes_.push_back(value ? 1 : 0);
  return *this;
}

Builder& Builder::append(std::string_view key, Time value) {
  header(Type::kDate, key);
  put(static_cast<std::int64_t>(value.time_since_epoch().count()));
  return *this;
}

Builder& Builder::append(std::string_view key, Null /*value*/) {
  header(Type::kNull, key);
  return *this;
}

Builder& Builder::append(std::string_view key, MinKey /*value*/) {
  header(Type::kMinKey, key);
  return *this;
}

Builder& Builder::append(std::string_view key, MaxKey /*value*/) {
  header(Type::kMaxKey, key);
  return *this;
}

Builder& Builder::append(std::string_view key, const ObjectId& value) {
  header(Type::kObjectId, key);
  put(value.bytes);
  return *this;
}

Builder& Builder::append(std::string_view key, Timestamp value) {
  header(Type::kTimestamp, key);
  put(value.increment);
  put(value.seconds);
  return *this;
}

Builder& Builder::append(std::string_view key, Decimal128 value) {
  header(Type::kDecimal128, key);
  put(value.low);
  put(value.high);
  return *this;
}

Builder& Builder::append(std::string_view key, Binary value) {
  header(Type::kBinary, key);
  put(static_cast<std::uint32_t>(value.bytes.size()));
  bytes_.push_back(value.subtype);
  bytes_.insert(bytes_.end(), value.bytes.begin(), value.bytes.end());
  return *this;
}

Builder& Builder::append(std::string_view key, Regex value) {
  header(Type::kRegex, key);
  put_text(value.pattern);
  bytes_.push_back(0);
  put_text(value.options);
  bytes_.push_back(0);
  return *this;
}

Builder& Builder::append(std::string_view key, View value) {
  return append_raw(key, Type::kDocument, value.bytes());
}

Builder& Builder::append(std::string_view key, const Array& value) {
  return append_raw(key, Type::kArray, value.items.view().bytes());
}

Builder& Builder::append(std::string_view key, Value value) {
  if (value.is_missing()) return *this;
  return append_raw(key, value.type(), value.raw());
}

Builder& Builder::append_raw(std::string_view key, Type type,
                             std::span<const std::uint8_t> payload) {
  header(type, key);
  bytes_.insert(bytes_.end(), payload.begin(), payload.end());
  return *this;
}

Builder& Builder::append_all(View other) {
  bytes_.insert(bytes_.end(), other.data() + 4, other.data() + other.size() - 1);
  return *this;
}

Builder::Scope Builder::document(std::string_view key) {
  open_document(key);
  return Scope(*this);
}

Builder::Scope Builder::array(std::string_view key) {
  open_array(key);
  return Scope(*this);
}

void Builder::open_document(std::string_view key) {
  header(Type::kDocument, key);
  open_.push_back({.start = bytes_.size(), .next_index = 0});
  bytes_.resize(bytes_.size() + 4);
}

void Builder::open_array(std::string_view key) {
  header(Type::kArray, key);
  open_.push_back({.start = bytes_.size(), .next_index = 0});
  bytes_.resize(bytes_.size() + 4);
}

void Builder::close() {
  assert(!open_.empty());
  bytes_.push_back(0);
  const std::size_t start = open_.back().start;
  const auto length = static_cast<std::uint32_t>(bytes_.size() - start);
  std::memcpy(bytes_.data() + start, &length, sizeof length);
  open_.pop_back();
}

std::string Builder::next_key() { return std::to_string(open_.back().next_index++); }

Document Builder::finish() {
  assert(open_.size() == 1);
  close();
  Document result(std::move(bytes_));
  bytes_ = {};
  bytes_.resize(4);
  open_.push_back({.start = 0, .next_index = 0});
  return result;
}

}  // namespace gesso::bson
