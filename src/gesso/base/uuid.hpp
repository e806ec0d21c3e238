// Random UUIDs: version 4 of RFC 9562.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gesso/base/random.hpp"

namespace gesso {

using Uuid = std::array<std::uint8_t, 16>;

[[nodiscard]] Uuid random_uuid(Random& random);
// "0f8fad5b-d9cb-469f-a165-70867728950e"
[[nodiscard]] std::string to_string(const Uuid& uuid);
// Whether a text is a UUID in that form, with digits of either case and of any version.
[[nodiscard]] bool is_uuid(std::string_view text) noexcept;

}  // namespace gesso
