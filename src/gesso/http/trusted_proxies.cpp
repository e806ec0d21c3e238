#include "gesso/http/trusted_proxies.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"

namespace gesso::http {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  const std::size_t end = text.find_last_not_of(" \t");
  return end == std::string_view::npos ? std::string_view{} : text.substr(begin, end + 1 - begin);
}

// The parts between separators that do not stand in a quoted string.
void split(std::string_view text, char separator, std::vector<std::string_view>& parts) {
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (quoted && text[at] == '\\') ++at;
    if (!quoted && at < text.size() && text[at] == separator) {
      parts.push_back(trim(text.substr(begin, at - begin)));
      begin = at + 1;
    }
  }
  parts.push_back(trim(text.substr(begin)));
}

// The members of a list that may be spread over several fields.
std::vector<std::string_view> list(const Headers& headers, std::string_view name) {
  std::vector<std::string_view> members;
  for (const std::string_view value : headers.all(name)) split(value, ',', members);
  return members;
}

// "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", and IPv6 without brackets, as many send it.
std::optional<IpAddress> parse_node(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    return IpAddress::parse(text.substr(1, end - 1));
  }
  if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
  return IpAddress::parse(text);
}

std::optional<bool> parse_scheme(std::string_view text) {
  if (equal_ignoring_case(text, "https")) return true;
  if (equal_ignoring_case(text, "http")) return false;
  return std::nullopt;
}

// What one proxy said of the one that asked it.
struct Hop {
  std::optional<IpAddress> address;
  std::optional<bool> is_https;
};

std::vector<Hop> x_forwarded(const Headers& headers) {
  std::vector<Hop> hops;
  for (const std::string_view node : list(headers, "x-forwarded-for")) {
    hops.push_back({.address = parse_node(node), .is_https = {}});
  }
  // A proxy appends to both lists, or sets the second one anew: then it speaks for all.
  const auto schemes = list(headers, "x-forwarded-proto");
  if (hops.empty() && !schemes.empty()) hops.emplace_back();
  for (std::size_t i = 0; i < hops.size() && !schemes.empty(); ++i) {
    hops[i].is_https = parse_scheme(schemes.size() == hops.size() ? schemes[i] : schemes.back());
  }
  return hops;
}

std::vector<Hop> forwarded(const Headers& headers) {
  std::vector<Hop> hops;
  for (const std::string_view element : list(headers, "forwarded")) {
    std::vector<std::string_view> pairs;
    split(element, ';', pairs);
    Hop hop;
    for (const std::string_view pair : pairs) {
      const std::size_t equals = std::min(pair.find('='), pair.size());
      const std::string_view name = pair.substr(0, equals);
      std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
      if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
        value = value.substr(1, value.size() - 2);
      }
      if (equal_ignoring_case(name, "for")) hop.address = parse_node(value);
      if (equal_ignoring_case(name, "proto")) hop.is_https = parse_scheme(value);
    }
    hops.push_back(hop);
  }
  return hops;
}

}  // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& networks, ForwardedFields fields)
    : fields_(fields) {
  for (const std::string& text : networks) {
    const auto network = IpNetwork::parse(text);
    if (!network) {
      throw Error(ErrorKind::kValidation,
                  "a trusted proxy is an address or a network such as 10.0.0.0/8, not " + text);
    }
    networks_.push_back(*network);
  }
}

bool TrustedProxies::trusts(const IpAddress& address) const noexcept {
  return std::ranges::any_of(networks_,
                             [&](const IpNetwork& network) { return network.contains(address); });
}

TrustedProxies::Client TrustedProxies::client_of(const IpAddress& peer, bool is_https,
                                                 const Headers& headers) const {
  Client client{.address = peer, .is_https = is_https};
  if (!trusts(peer)) return client;
  const std::vector<Hop> hops =
      fields_ == ForwardedFields::kForwarded ? forwarded(headers) : x_forwarded(headers);
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    if (hop->is_https) client.is_https = *hop->is_https;
    if (!hop->address) break;
    client.address = *hop->address;
    if (!trusts(client.address)) break;
  }
  return client;
}

}  // namespace gesso::http
