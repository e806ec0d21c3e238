#include "gesso/localdb/cosmos/documents.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

namespace gesso::localdb::cosmos {
namespace {

// An int64 under the name `_ts`, as BSON writes it in front of its eight bytes.
constexpr std::array<std::uint8_t, 5> kStampHead = {0x12, '_', 't', 's', 0x00};
constexpr std::size_t kStampSize = kStampHead.size() + sizeof(std::int64_t);

// Where the stamp begins; null where there is none.
const std::uint8_t* stamp_of(bson::View stored) {
  if (stored.size() < 5 + kStampSize) return nullptr;
  const std::uint8_t* const at = stored.data() + stored.size() - 1 - kStampSize;
  return std::memcmp(at, kStampHead.data(), kStampHead.size()) == 0 ? at : nullptr;
}

bson::Document with_length(std::vector<std::uint8_t> bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data(), &size, sizeof size);
  return bson::Document(std::move(bytes));
}

}  // namespace

bson::Document stamped(bson::View document, Stamp stamp) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(document.size() + kStampSize);
  bytes.insert(bytes.end(), document.data(), document.data() + document.size() - 1);
  bytes.insert(bytes.end(), kStampHead.begin(), kStampHead.end());
  const auto* const raw = reinterpret_cast<const std::uint8_t*>(&stamp);
  bytes.insert(bytes.end(), raw, raw + sizeof stamp);
  bytes.push_back(0);
  return with_length(std::move(bytes));
}

Stamp stamp_in(bson::View stored) {
  const std::uint8_t* const at = stamp_of(stored);
  return at == nullptr ? 0 : bson::detail::load<Stamp>(at + kStampHead.size());
}

std::optional<Time> modified_at(bson::View stored) {
  const Stamp stamp = stamp_in(stored);
  if (stamp == 0) return std::nullopt;
  return std::chrono::floor<std::chrono::milliseconds>(
      std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(stamp)));
}

bson::Document without_stamp(bson::View stored) {
  if (stamp_of(stored) == nullptr) return bson::Document(stored);
  std::vector<std::uint8_t> bytes(stored.data(), stored.data() + stored.size() - kStampSize);
  bytes.back() = 0;
  return with_length(std::move(bytes));
}

std::optional<std::int64_t> own_time_to_live(bson::View document) {
  const bson::Value value = document[kTimeToLive];
  double seconds = 0;
  if (value.is(bson::Type::kInt32) || value.is(bson::Type::kInt64)) {
    seconds = static_cast<double>(*value.integer());
  } else if (value.is(bson::Type::kDouble)) {
    seconds = value.as_double();
  } else {
    return std::nullopt;
  }
  const bool fits = seconds == std::floor(seconds) && seconds <= 2147483647.0;
  if (!fits || (seconds < 1 && seconds != -1)) return std::nullopt;
  return static_cast<std::int64_t>(seconds);
}

}  // namespace gesso::localdb::cosmos
