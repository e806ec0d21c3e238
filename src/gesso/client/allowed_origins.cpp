#include "gesso/client/allowed_origins.hpp"

#include <algorithm>

#include "gesso/base/error.hpp"

namespace gesso::client {

AllowedOrigins::AllowedOrigins(const std::vector<std::string>& origins) {
  constexpr std::string_view kAny = "://*.";
  for (const std::string& text : origins) {
    std::string whole = text;
    const std::size_t any = whole.find(kAny);
    if (any != std::string::npos) whole.erase(any + 3, 2);
    const auto url = parse_url(whole);
    if (!url || !url->path.empty()) {
      throw Error(
          ErrorKind::kValidation,
          "allowed origins: expected https://HOST or https://*.DOMAIN, found \"" + text + "\"");
    }
    rules_.push_back({url->scheme, url->host, url->port, any != std::string::npos});
  }
}

bool AllowedOrigins::allow(const Url& url) const {
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    if (url.scheme != rule.scheme || url.port != rule.port) return false;
    if (!rule.below) return url.host == rule.host;
    return url.host.size() > rule.host.size() + 1 && url.host.ends_with(rule.host) &&
           url.host[url.host.size() - rule.host.size() - 1] == '.';
  });
}

}  // namespace gesso::client
