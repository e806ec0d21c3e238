// Whom a client's address stands for. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace gesso::domain {

// What of an address one customer of a provider has: an IPv4 address for itself, also one that is
// mapped into IPv6; of an IPv6 address the network of 64 bits that it stands in, since whoever has
// one address of it has them all (RFC 6177). A zone (RFC 4007) is left out. A text that is no
// address is itself.
[[nodiscard]] std::string network_of(std::string_view address);

// The same as the subject of rate limits: "ip:192.0.2.7". What is no address counts as
// "ip:unknown", all of it together.
[[nodiscard]] std::string address_subject(std::string_view address);

}  // namespace gesso::domain
