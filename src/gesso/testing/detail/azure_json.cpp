#include "gesso/testing/detail/azure_json.hpp"

#include <vector>

#include "gesso/base/random.hpp"
#include "gesso/base/text.hpp"
#include "gesso/base/uuid.hpp"

namespace gesso::testing::detail {

std::string random_hex(std::size_t bytes) {
  std::vector<std::uint8_t> raw(bytes);
  SystemRandom().fill(raw);
  return hex(raw);
}

std::string make_uuid() {
  SystemRandom random;
  return to_string(random_uuid(random));
}

}  // namespace gesso::testing::detail
