// base64url without padding (RFC 4648, section 5). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gesso::repositories {

[[nodiscard]] std::string to_base64url(std::span<const std::uint8_t> bytes);
// std::nullopt for any other character, and for a text that no bytes are written as.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text);

}  // namespace gesso::repositories
