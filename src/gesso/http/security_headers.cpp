#include "gesso/http/security_headers.hpp"

#include <algorithm>
#include <string>

#include "gesso/base/text.hpp"

namespace gesso::http {

bool is_strict_transport(std::string_view text) {
  int ages = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    std::string directive = lower(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    std::erase(directive, ' ');
    constexpr std::string_view kAge = "max-age=";
    if (directive.starts_with(kAge)) {
      const std::string digits = directive.substr(kAge.size());
      const bool is_number = !digits.empty() && digits.size() <= 10 &&
                             digits.find_first_not_of("0123456789") == std::string::npos;
      if (!is_number) return false;
      ++ages;
    } else if (directive != "includesubdomains" && directive != "preload") {
      return false;
    }
  }
  return ages == 1;
}

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
