#include "gesso/domain/client_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace gesso::domain {
namespace {

std::optional<std::string> network(std::string_view address) {
  const std::string text(address.substr(0, address.find('%')));
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, text.c_str(), &four) != 1) {
    if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return std::nullopt;
    if (!IN6_IS_ADDR_V4MAPPED(&six)) {
      std::fill(six.s6_addr + 8, six.s6_addr + 16, std::uint8_t{0});
      return std::string(::inet_ntop(AF_INET6, &six, canonical.data(), canonical.size())) + "/64";
    }
    std::memcpy(&four, six.s6_addr + 12, sizeof four);
  }
  return ::inet_ntop(AF_INET, &four, canonical.data(), canonical.size());
}

}  // namespace

std::string network_of(std::string_view address) {
  return network(address).value_or(std::string(address));
}

std::string address_subject(std::string_view address) {
  return "ip:" + network(address).value_or("unknown");
}

}  // namespace gesso::domain
