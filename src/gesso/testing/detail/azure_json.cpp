#include "gesso/testing/detail/azure_json.hpp"

#include <vector>

#include "gesso/base/random.hpp"

namespace gesso::testing::detail {

std::string random_hex(std::size_t bytes) {
  std::vector<std::uint8_t> raw(bytes);
  SystemRandom().fill(raw);
  std::string out;
  for (const std::uint8_t byte : raw) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

std::string make_uuid() {
  const std::string hex = random_hex(16);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-4" + hex.substr(13, 3) + "-8" +
         hex.substr(17, 3) + "-" + hex.substr(20);
}

}  // namespace gesso::testing::detail
