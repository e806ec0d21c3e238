#include "gesso/http/ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace gesso::http {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96;

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string name(text);
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1) return IpAddress(bytes);
  std::ranges::copy(kMapped, bytes.begin());
  if (::inet_pton(AF_INET, name.c_str(), bytes.data() + kMapped.size()) == 1) {
    return IpAddress(bytes);
  }
  return std::nullopt;
}

bool IpAddress::is_v4() const noexcept {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

IpAddress IpAddress::prefix(unsigned bits) const noexcept {
  IpAddress result;
  const std::size_t whole = std::min<std::size_t>(bits / 8, bytes_.size());
  std::copy_n(bytes_.begin(), whole, result.bytes_.begin());
  if (whole < bytes_.size()) {
    result.bytes_[whole] = static_cast<std::uint8_t>(bytes_[whole] & (0xFF00U >> (bits % 8)));
  }
  return result;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const bool v4 = is_v4();
  ::inet_ntop(v4 ? AF_INET : AF_INET6, bytes_.data() + (v4 ? kMapped.size() : 0), buffer.data(),
              buffer.size());
  return buffer.data();
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return IpNetwork(*address, 128);
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  // A mapped address that was written in IPv6's form has its bits counted in that form.
  const bool as_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  if (bits > (as_v4 ? 32U : 128U)) return std::nullopt;
  return IpNetwork(*address, as_v4 ? kMappedBits + bits : bits);
}

}  // namespace gesso::http
