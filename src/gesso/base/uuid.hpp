// Random UUIDs: version 4 of RFC 9562.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "gesso/base/random.hpp"

namespace gesso {

using Uuid = std::array<std::uint8_t, 16>;

[[nodiscard]] Uuid random_uuid(Random& random);
// "0f8fad5b-d9cb-469f-a165-70867728950e"
[[nodiscard]] std::string to_string(const Uuid& uuid);

}  // namespace gesso
