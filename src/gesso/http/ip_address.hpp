// IP addresses and networks as values: what may be trusted, and what is counted. Pure functions.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gesso::http {

// An address of either family; one of IPv4 is kept as IPv6 maps it (::ffff:192.0.2.1), so that it
// is the same address however it came.
class IpAddress {
  std::array<std::uint8_t, 16> bytes_{};

 public:
  constexpr IpAddress() = default;  // "::"
  constexpr explicit IpAddress(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}

  // "192.0.2.1", "2001:db8::1"; no port, no zone, no brackets.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const noexcept;
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  // The address with all but its first `bits` bits of 128 cleared.
  [[nodiscard]] IpAddress prefix(unsigned bits) const noexcept;
  [[nodiscard]] std::string to_string() const;

  auto operator<=>(const IpAddress&) const = default;
};

class IpNetwork {
  IpAddress address_;
  unsigned bits_ = 128;  // of the address as IPv6 has it

 public:
  IpNetwork(const IpAddress& address, unsigned bits)
      : address_(address.prefix(bits)), bits_(bits) {}

  // CIDR, "10.0.0.0/8", "fd00::/8", or one address. Bits behind the prefix do not matter.
  [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text);

  [[nodiscard]] bool contains(const IpAddress& address) const noexcept {
    return address.prefix(bits_) == address_;
  }
};

}  // namespace gesso::http
