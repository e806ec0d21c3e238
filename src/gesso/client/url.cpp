#include "gesso/client/url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "gesso/base/text.hpp"

namespace gesso::client {
namespace {

int default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

}  // namespace

std::string Url::origin() const {
  std::string text = scheme + "://";
  text += host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != default_port(scheme)) text += ":" + std::to_string(port);
  return text;
}

bool Url::is_local() const {
  if (host == "localhost") return true;
  std::array<std::uint8_t, 16> address{};
  if (::inet_pton(AF_INET, host.c_str(), address.data()) == 1) {
    return address[0] == 127 || (address[0] == 169 && address[1] == 254);
  }
  if (::inet_pton(AF_INET6, host.c_str(), address.data()) == 1) {
    const bool zeros = std::all_of(address.begin(), address.end() - 1,
                                   [](std::uint8_t byte) { return byte == 0; });
    return (zeros && address[15] == 1) || (address[0] == 0xFE && (address[1] & 0xC0) == 0x80);
  }
  return false;
}

bool Url::is_private() const {
  std::array<std::uint8_t, 16> address{};
  if (::inet_pton(AF_INET, host.c_str(), address.data()) == 1) {
    return address[0] == 10 || (address[0] == 172 && (address[1] & 0xF0) == 16) ||
           (address[0] == 192 && address[1] == 168) ||
           (address[0] == 100 && (address[1] & 0xC0) == 64);
  }
  return ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1 && (address[0] & 0xFE) == 0xFC;
}

std::optional<Url> parse_url(std::string_view text) {
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7F' && c != '\\' && c != '#'; };
  if (!std::all_of(text.begin(), text.end(), is_plain)) return std::nullopt;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  Url url;
  url.scheme = lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  url.port = default_port(url.scheme);
  std::string_view authority = text.substr(colon + 3);
  const std::size_t end = std::min(authority.find_first_of("/?"), authority.size());
  url.path = authority.substr(end);
  authority = authority.substr(0, end);

  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    std::array<std::uint8_t, 16> address{};
    if (::inet_pton(AF_INET6, std::string(host).c_str(), address.data()) != 1) return std::nullopt;
  } else {
    const std::size_t at = std::min(authority.find(':'), authority.size());
    host = authority.substr(0, at);
    port = authority.substr(at);
    const auto is_of_host = [](char c) {
      return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_';
    };
    if (host.empty() || !std::all_of(host.begin(), host.end(), is_of_host)) return std::nullopt;
  }
  url.host = lower(host);
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [last, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (authority[authority.size() - port.size() - 1] != ':' || error != std::errc{} ||
        last != port.data() + port.size() || url.port < 1 || url.port > 65'535) {
      return std::nullopt;
    }
  }
  return url;
}

std::string form_encode(const std::vector<std::pair<std::string_view, std::string_view>>& fields) {
  std::size_t most = 0;
  for (const auto& [name, value] : fields) most += 3 * (name.size() + value.size()) + 2;
  std::string result;
  result.reserve(most);
  for (const auto& [name, value] : fields) {
    if (!result.empty()) result += '&';
    append_percent_encoded(result, name);
    result += '=';
    append_percent_encoded(result, value);
  }
  return result;
}

}  // namespace gesso::client
