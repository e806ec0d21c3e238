#include "gesso/base/id.hpp"

#include <algorithm>

namespace gesso {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kLength = 26;

}  // namespace

std::string IdGenerator::ulid() {
  std::array<std::uint8_t, 16> bytes{};
  {
    const std::scoped_lock lock(mutex_);
    const std::int64_t millis = clock_.now().time_since_epoch().count();
    bool carried_out = false;
    if (millis > last_millis_) {
      last_millis_ = millis;
      random_.fill(last_random_);
    } else {
      // The same millisecond, or a clock that went back: count up from the last one.
      carried_out = true;
      for (std::size_t i = last_random_.size(); i-- > 0;) {
        if (++last_random_[i] != 0) {
          carried_out = false;
          break;
        }
      }
    }
    if (carried_out) ++last_millis_;
    for (std::size_t i = 0; i < 6; ++i) {
      bytes[i] = static_cast<std::uint8_t>(last_millis_ >> (8 * (5 - i)));
    }
    std::copy(last_random_.begin(), last_random_.end(), bytes.begin() + 6);
  }
  // 128 bits as 26 digits of 5 bits; the first digit holds the three highest.
  std::string text(kLength, '0');
  unsigned __int128 value = 0;
  for (const std::uint8_t byte : bytes) value = (value << 8) | byte;
  for (std::size_t i = kLength; i-- > 0;) {
    text[i] = kAlphabet[static_cast<std::size_t>(value & 31U)];
    value >>= 5;
  }
  return text;
}

std::string IdGenerator::next(std::string_view prefix) {
  std::string id(prefix);
  id += ulid();
  return id;
}

bool is_id(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  if (text.size() != kLength || text[0] > '7') return false;
  return text.find_first_not_of(kAlphabet) == std::string_view::npos;
}

}  // namespace gesso
