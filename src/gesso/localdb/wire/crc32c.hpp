// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum that OP_MSG may carry.
#pragma once

#include <cstdint>
#include <span>

namespace gesso::localdb::wire {

[[nodiscard]] std::uint32_t crc32c(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace gesso::localdb::wire
