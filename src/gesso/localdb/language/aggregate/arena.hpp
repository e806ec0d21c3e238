// Where values live that an expression computes: bytes that are given back all at once.
//
// Every value of an execution is a bson::Value, whether it points into a document or in here, so
// nothing is copied that only passes through. Not thread-safe; one for each execution.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/view.hpp"

namespace gesso::localdb {

class Arena {
  static constexpr std::size_t kInline = 1024;
  static constexpr std::size_t kChunk = 16 * 1024;
  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;
  std::uint8_t inline_[kInline];
  std::uint8_t* next_ = inline_;
  std::uint8_t* end_ = inline_ + kInline;
  std::size_t taken_ = 0;           // bytes of all chunks
  bool first_is_ordinary_ = false;  // of kChunk bytes
  std::size_t limit_;

 public:
  static constexpr std::size_t kDefaultLimit = 100 * 1024 * 1024;

  // More than `limit` bytes between two resets is a CommandError (292).
  explicit Arena(std::size_t limit = kDefaultLimit) : limit_(limit) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() = default;

  // All values made so far become invalid.
  void reset() noexcept;

  [[nodiscard]] std::uint8_t* allocate(std::size_t bytes);
  // A value of that type with a copy of the payload.
  [[nodiscard]] bson::Value copy(bson::Type type, std::span<const std::uint8_t> payload);
  [[nodiscard]] bson::Value copy(bson::Value value) { return copy(value.type(), value.raw()); }

  [[nodiscard]] static bson::Value null() noexcept { return {bson::Type::kNull, nullptr}; }
  [[nodiscard]] static bson::Value boolean(bool value) noexcept;
  [[nodiscard]] bson::Value int32(std::int32_t value);
  [[nodiscard]] bson::Value int64(std::int64_t value);
  [[nodiscard]] bson::Value real(double value);
  [[nodiscard]] bson::Value decimal(bson::Decimal128 value);
  [[nodiscard]] bson::Value date(std::int64_t milliseconds);
  [[nodiscard]] bson::Value string(std::string_view text);
  [[nodiscard]] bson::Value document(bson::View view);
  // Finishes the builder, whose elements are the array's (their keys must be the positions).
  [[nodiscard]] bson::Value array(bson::Builder&& elements);
  [[nodiscard]] bson::Value array(std::span<const bson::Value> elements);
};

}  // namespace gesso::localdb
