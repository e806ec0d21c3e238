// The fields that every response of an API should have (OWASP ASVS 3.4 and 14.3.2). Pure functions.
#pragma once

#include <string_view>

#include "gesso/http/response.hpp"

namespace gesso::http {

// A year, for the host and all below it.
inline constexpr std::string_view kStrictTransport = "max-age=31536000; includeSubDomains";

// Whether it is what the field may hold (RFC 6797, section 6.1): "max-age=N", and in any order and
// case of letters `includeSubDomains` and `preload` (https://hstspreload.org/).
[[nodiscard]] bool is_strict_transport(std::string_view text);

// Adds, where the response has none of its own: X-Content-Type-Options, Referrer-Policy,
// Content-Security-Policy (nothing may be loaded, nobody may frame it), Cache-Control: no-store,
// and, where the client came by HTTPS, Strict-Transport-Security with `strict_transport` ("":
// none).
void add_security_headers(Response& response, bool is_https,
                          std::string_view strict_transport = kStrictTransport);

}  // namespace gesso::http
