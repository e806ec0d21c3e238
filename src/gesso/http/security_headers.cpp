#include "gesso/http/security_headers.hpp"

namespace gesso::http {

void add_security_headers(Response& response, bool is_https, std::string_view strict_transport) {
  const auto add = [&](std::string_view name, std::string_view value) {
    if (response.header(name) == nullptr) response.headers.emplace_back(name, value);
  };
  response.headers.reserve(response.headers.size() + 5);
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  add("Cache-Control", "no-store");
  if (is_https && !strict_transport.empty()) add("Strict-Transport-Security", strict_transport);
}

}  // namespace gesso::http
