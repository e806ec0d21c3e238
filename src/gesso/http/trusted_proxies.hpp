// Who asked, where proxies stand in between (RFC 7239; OWASP ASVS 4.1.3).
//
// What a proxy says about its client is believed of trusted ones only, and read from the right:
// each appends the address that it saw, so that everything left of the first one who is not trusted
// may have been made up by that one. Immutable: safe to use from every thread.
#pragma once

#include <string>
#include <vector>

#include "gesso/http/ip_address.hpp"
#include "gesso/http/request.hpp"

namespace gesso::http {

// Which fields the proxies set. Only these are read: a proxy passes on what a client put into the
// others.
enum class ForwardedFields {
  kXForwarded,  // X-Forwarded-For and X-Forwarded-Proto
  kForwarded,   // Forwarded, of RFC 7239
};

class TrustedProxies {
  std::vector<IpNetwork> networks_;
  ForwardedFields fields_;

 public:
  struct Client {
    IpAddress address;
    bool is_https = false;
    bool operator==(const Client&) const = default;
  };

  // `networks` in CIDR. Throws Error (kValidation) for one that is none.
  explicit TrustedProxies(const std::vector<std::string>& networks = {},
                          ForwardedFields fields = ForwardedFields::kXForwarded);

  [[nodiscard]] bool trusts(const IpAddress& address) const noexcept;

  // The nearest address that is not a trusted proxy's, beginning with the peer; the farthest where
  // all are. Where a proxy named no address, the proxy's own. The scheme is the one by which that
  // client came, as its proxy says; without a word on it, the one of the connection.
  [[nodiscard]] Client client_of(const IpAddress& peer, bool is_https,
                                 const Headers& headers) const;
};

}  // namespace gesso::http
