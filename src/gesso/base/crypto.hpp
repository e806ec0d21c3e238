// SHA-256 and what is built on it, by OpenSSL. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gesso {

using Digest = std::array<std::uint8_t, 32>;  // of SHA-256

// Both throw Error (kInternal) where OpenSSL fails, which takes a machine without memory.
[[nodiscard]] Digest sha256(std::string_view bytes);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace gesso
