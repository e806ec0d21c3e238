#include "gesso/base/uuid.hpp"

#include "gesso/base/text.hpp"

namespace gesso {

Uuid random_uuid(Random& random) {
  Uuid uuid{};
  random.fill(uuid);
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0FU) | 0x40U);  // the version
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3FU) | 0x80U);  // the variant
  return uuid;
}

std::string to_string(const Uuid& uuid) {
  std::string text = hex(uuid);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) text.insert(at, 1, '-');
  return text;
}

}  // namespace gesso
