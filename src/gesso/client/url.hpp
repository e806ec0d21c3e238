// The parts of a URL that decide whom a secret is sent to, and how values are written into one.
// Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gesso::client {

struct Url {
  std::string scheme;  // in lower case
  std::string host;    // in lower case; an IPv6 address without its brackets
  int port = 0;        // the scheme's own where the text has none
  std::string path;    // what follows the host, the query too; "" where nothing does

  // "https://example.com", with the port where it is not the scheme's own.
  [[nodiscard]] std::string origin() const;
  // Whether the host is this machine or its link: localhost, 127.0.0.0/8, 169.254.0.0/16, ::1,
  // fe80::/10.
  [[nodiscard]] bool is_local() const;
  // Whether the host is an address that no public network leads to: 10.0.0.0/8, 172.16.0.0/12,
  // 192.168.0.0/16 (RFC 1918), 100.64.0.0/10 (RFC 6598), fc00::/7. A name never is.
  [[nodiscard]] bool is_private() const;
};

// An absolute http or https URL of RFC 3986's plain form: no user, no fragment, no blank, control
// character or backslash, a host of letters, digits, dots, hyphens and underscores or an IPv6
// address in brackets. std::nullopt for anything else: what two parsers could read differently is
// not read at all.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

// "a=1&b=x%20y", for a query or an application/x-www-form-urlencoded body. The result's
// memory is the only one that holds a value: who passes a secret wipes it.
[[nodiscard]] std::string form_encode(
    const std::vector<std::pair<std::string_view, std::string_view>>& fields);

}  // namespace gesso::client
