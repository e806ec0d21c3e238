#include "gesso/localdb/language/aggregate/arena.hpp"
#include "gesso/base/meter.hpp"

#include <algorithm>
#include <cstring>

#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {

using bson::Type;
using bson::Value;

void Arena::reset() noexcept {
  // One ordinary chunk is worth keeping for the next document.
  if (first_is_ordinary_) {
    chunks_.resize(1);
    next_ = chunks_.front().get();
    end_ = next_ + kChunk;
    taken_ = kChunk;
    return;
  }
  chunks_.clear();
  next_ = inline_;
  end_ = inline_ + kInline;
  taken_ = 0;
}

std::uint8_t* Arena::allocate(std::size_t bytes) {
  charge(bytes);
  if (bytes > static_cast<std::size_t>(end_ - next_)) {
    const std::size_t size = std::max(kChunk, bytes);
    if (size > limit_ || taken_ > limit_ - size) {
      throw CommandError(
          ErrorCode::kQueryExceededMemoryLimit,
          "an expression used more than " + std::to_string(limit_) + " bytes of memory");
    }
    chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(size));
    if (chunks_.size() == 1) first_is_ordinary_ = size == kChunk;
    taken_ += size;
    next_ = chunks_.back().get();
    end_ = next_ + size;
  }
  std::uint8_t* const result = next_;
  next_ += bytes;
  return result;
}

Value Arena::copy(Type type, std::span<const std::uint8_t> payload) {
  std::uint8_t* const bytes = allocate(payload.size());
  if (!payload.empty()) std::memcpy(bytes, payload.data(), payload.size());
  return {type, bytes};
}

Value Arena::boolean(bool value) noexcept {
  static constexpr std::uint8_t kFalse = 0;
  static constexpr std::uint8_t kTrue = 1;
  return {Type::kBool, value ? &kTrue : &kFalse};
}

namespace {

template <class T>
std::span<const std::uint8_t> bytes_of(const T& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

}  // namespace

Value Arena::int32(std::int32_t value) { return copy(Type::kInt32, bytes_of(value)); }
Value Arena::int64(std::int64_t value) { return copy(Type::kInt64, bytes_of(value)); }
Value Arena::real(double value) { return copy(Type::kDouble, bytes_of(value)); }
Value Arena::decimal(bson::Decimal128 value) { return copy(Type::kDecimal128, bytes_of(value)); }
Value Arena::date(std::int64_t milliseconds) { return copy(Type::kDate, bytes_of(milliseconds)); }

Value Arena::string(std::string_view text) {
  const auto length = static_cast<std::uint32_t>(text.size() + 1);
  std::uint8_t* const bytes = allocate(sizeof length + length);
  std::memcpy(bytes, &length, sizeof length);
  if (!text.empty()) std::memcpy(bytes + sizeof length, text.data(), text.size());
  bytes[sizeof length + text.size()] = 0;
  return {Type::kString, bytes};
}

Value Arena::document(bson::View view) { return copy(Type::kDocument, view.bytes()); }

Value Arena::array(bson::Builder&& elements) {
  return copy(Type::kArray, elements.finish().view().bytes());
}

Value Arena::array(std::span<const Value> elements) {
  bson::Builder builder;
  for (const Value element : elements) {
    charge(Meter::kStep);
    builder.push(element);
  }
  return array(std::move(builder));
}

}  // namespace gesso::localdb
