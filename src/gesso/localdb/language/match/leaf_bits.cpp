// $bitsAllSet, $bitsAllClear, $bitsAnySet, $bitsAnyClear.
#include <algorithm>

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/language/match/leaf_tests.hpp"

namespace gesso::localdb {
namespace {

using bson::Element;
using bson::Type;
using bson::Value;

std::vector<std::uint32_t> positions_of_number(Value operand) {
  const auto mask = operand.integer();
  if (!mask) {
    throw CommandError(ErrorCode::kFailedToParse, "Expected an integer: " + value_text(operand));
  }
  if (*mask < 0) {
    throw CommandError(ErrorCode::kFailedToParse,
                       "Expected a non-negative number in: " + value_text(operand));
  }
  std::vector<std::uint32_t> positions;
  for (std::uint32_t bit = 0; bit < 63; ++bit) {
    if ((*mask >> bit & 1) != 0) positions.push_back(bit);
  }
  return positions;
}

std::vector<std::uint32_t> positions_of_binary(bson::Binary mask) {
  std::vector<std::uint32_t> positions;
  for (std::uint32_t byte = 0; byte < mask.bytes.size(); ++byte) {
    for (std::uint32_t bit = 0; bit < 8; ++bit) {
      if ((mask.bytes[byte] >> bit & 1) != 0) positions.push_back(byte * 8 + bit);
    }
  }
  return positions;
}

std::vector<std::uint32_t> positions_of_list(bson::View list) {
  std::vector<std::uint32_t> positions;
  for (const Element& element : list) {
    const auto position = element.value.is_number() ? element.value.integer() : std::nullopt;
    if (!position || *position < 0 || *position > INT32_MAX) {
      throw CommandError(
          ErrorCode::kBadValue,
          "bit positions must be non-negative integers, found " + value_text(element.value));
    }
    positions.push_back(static_cast<std::uint32_t>(*position));
  }
  return positions;
}

std::vector<std::uint32_t> parse_positions(Value operand) {
  if (operand.is_number()) return positions_of_number(operand);
  if (operand.is(Type::kBinary)) return positions_of_binary(operand.as_binary());
  if (operand.is_array()) return positions_of_list(operand.as_document());
  throw CommandError(
      ErrorCode::kBadValue,
      "bit tests take an Array, a number, or a BinData but received: " + value_text(operand));
}

class BitsTest final : public LeafTest {
  BitsKind kind_;
  std::vector<std::uint32_t> positions_;

 public:
  BitsTest(BitsKind kind, Value operand) : kind_(kind), positions_(parse_positions(operand)) {}

  bool test(Value value, std::optional<std::size_t>& /*element*/) const override {
    if (value.is(Type::kBinary)) {
      const auto bytes = value.as_binary().bytes;
      return holds([bytes](std::uint32_t position) {
        const std::size_t byte = position / 8;
        return byte < bytes.size() && (bytes[byte] >> (position % 8) & 1) != 0;
      });
    }
    if (!value.is_number()) return false;
    const auto number = value.integer();
    if (!number) return false;
    // Negative numbers go on with ones for ever.
    return holds([bits = *number](std::uint32_t position) {
      return (bits >> std::min(position, 63U) & 1) != 0;
    });
  }

 private:
  template <class IsSet>
  bool holds(IsSet is_set) const {
    switch (kind_) {
      case BitsKind::kAllSet:
        return std::ranges::all_of(positions_, is_set);
      case BitsKind::kAllClear:
        return std::ranges::none_of(positions_, is_set);
      case BitsKind::kAnySet:
        return std::ranges::any_of(positions_, is_set);
      case BitsKind::kAnyClear:
        return !std::ranges::all_of(positions_, is_set);
    }
    return false;
  }
};

}  // namespace

LeafTestPtr make_bits(BitsKind kind, Value operand) {
  return std::make_unique<BitsTest>(kind, operand);
}

}  // namespace gesso::localdb
