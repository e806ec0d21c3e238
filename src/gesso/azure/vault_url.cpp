#include "gesso/azure/vault_url.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/client/url.hpp"

namespace gesso::azure {
namespace {

struct Cloud {
  std::string_view suffix;
  std::array<std::string_view, 3> authorities;
};

// The domains of vaults and HSMs in each cloud, and who signs its users in (Azure's documentation
// of sovereign clouds).
constexpr std::array<std::string_view, 3> kPublic{"login.microsoftonline.com", "login.windows.net",
                                                  "login.microsoft.com"};
constexpr std::array<std::string_view, 3> kChina{"login.chinacloudapi.cn",
                                                 "login.partner.microsoftonline.cn", ""};
constexpr std::array<std::string_view, 3> kGovernment{"login.microsoftonline.us", "", ""};
constexpr std::array<Cloud, 6> kClouds{{{"vault.azure.net", kPublic},
                                        {"vault.azure.cn", kChina},
                                        {"vault.usgovcloudapi.net", kGovernment},
                                        {"managedhsm.azure.net", kPublic},
                                        {"managedhsm.azure.cn", kChina},
                                        {"managedhsm.usgovcloudapi.net", kGovernment}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

// Letters, digits and '-' between dots; no dot at the end.
bool is_host_name(std::string_view host) {
  if (host.size() > 253) return false;
  while (true) {
    const std::size_t dot = host.find('.');
    if (!is_label(host.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::kValidation, "the key vault's URL is refused: " + why);
}

VaultUrl accepted(const std::string& host, std::string_view suffix) {
  VaultUrl out{.text = "https://" + host,
               .host = host,
               .suffix = std::string(suffix),
               .resource = "https://" + std::string(suffix),
               .authorities = {}};
  bool known = false;
  for (const Cloud& cloud : kClouds) {
    if (cloud.suffix != suffix) continue;
    known = true;
    for (const std::string_view name : cloud.authorities) {
      if (!name.empty()) out.authorities.emplace_back(name);
    }
  }
  if (!known) {  // a domain of the settings may be of any cloud
    for (const auto& authorities : {kPublic, kChina, kGovernment}) {
      for (const std::string_view name : authorities) {
        if (!name.empty()) out.authorities.emplace_back(name);
      }
    }
  }
  return out;
}

// Why `parse_url` gives nothing, or nothing of use here.
std::string fault_of(std::string_view text) {
  const std::string start = lower(text.substr(0, 8));
  if (start.starts_with("http://")) {
    return "expected https, found http: a token would be sent in the open";
  }
  if (start != "https://") return "expected https:// at its beginning";
  if (text.find('#') != std::string_view::npos) return "expected no fragment ('#')";
  const std::string_view authority = text.substr(8, text.substr(8).find_first_of("/?"));
  if (authority.find('@') != std::string_view::npos) return "expected no user information ('@')";
  return "expected https://NAME.vault.azure.net";
}

// IPv4 in any of its forms ("127.1", "0x7f000001"), or IPv6: no public name ends in a number.
bool is_address(std::string_view host) {
  const std::size_t dot = host.rfind('.');
  const std::string_view tail = host.substr(dot == std::string_view::npos ? 0 : dot + 1);
  return host.find(':') != std::string_view::npos || (!tail.empty() && is_digit(tail.front()));
}

}  // namespace

bool is_below(std::string_view host, std::string_view domain) {
  return !domain.empty() && host.size() > domain.size() + 1 && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.';
}

VaultUrl check_vault_url(std::string_view url, const std::vector<std::string>& more_suffixes) {
  const std::optional<client::Url> parts = client::parse_url(url);
  if (!parts || parts->scheme != "https") refuse(fault_of(url));
  const std::string& host = parts->host;
  if (is_address(host)) refuse("expected a host name, found an IP address");
  if (parts->port != 443) {
    refuse("expected port 443, found " + std::to_string(parts->port) +
           " (to reach a vault by another way, use the connect-to setting)");
  }
  if (parts->path.find('?') != std::string::npos) refuse("expected no query ('?')");
  if (!parts->path.empty() && parts->path != "/") {
    refuse("expected no path behind the host (the secret's name is a setting of its own)");
  }

  std::vector<std::string> suffixes;
  for (const Cloud& cloud : kClouds) suffixes.emplace_back(cloud.suffix);
  for (const std::string& more : more_suffixes) {
    std::string suffix = lower(more.starts_with('.') ? std::string_view(more).substr(1) : more);
    if (!is_host_name(suffix) || suffix.find('.') == std::string::npos) {
      refuse("expected a domain of two labels or more as its allowed suffix, found '" + more + "'");
    }
    suffixes.push_back(std::move(suffix));
  }
  for (const std::string& suffix : suffixes) {
    if (host == suffix || host == "." + suffix) {
      refuse("expected a vault's name before ." + suffix + ", found the bare domain");
    }
    if (!is_below(host, suffix)) continue;
    // The certificate is for *.suffix, which is one label.
    if (!is_label(std::string_view(host).substr(0, host.size() - suffix.size() - 1))) {
      refuse("expected one name before ." + suffix + ", found '" + host + "'");
    }
    return accepted(host, suffix);
  }
  for (const std::string& suffix : suffixes) {
    if (host.ends_with(suffix)) {
      refuse("'" + host + "' only looks like a vault: expected a '.' before " + suffix);
    }
    if (host.find(suffix) != std::string::npos) {
      refuse("'" + host + "' only looks like a vault: " + suffix + " is not at its end");
    }
  }
  if (is_below(host, "vaultcore.azure.net")) {
    refuse("'" + host +
           "' is the name of a private endpoint: use the vault's own, NAME.vault.azure.net, which "
           "its certificate is for");
  }
  std::string list;
  for (const std::string& suffix : suffixes) list += (list.empty() ? "." : ", .") + suffix;
  refuse("'" + host + "' is in no domain of key vaults: expected one of " + list);
}

void check_secret_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 127 &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return is_letter_or_digit(c) || c == '-'; });
  if (!good) {
    throw Error(ErrorKind::kValidation,
                "the secret's name is refused: expected 1 to 127 letters, digits and '-'");
  }
}

void check_secret_version(std::string_view version) {
  const auto is_unreserved = [](char c) {  // RFC 3986, 2.3
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.' || c == '~';
  };
  const bool good = !version.empty() && version.size() <= 127 && version != "." &&
                    version != ".." && std::ranges::all_of(version, is_unreserved);
  if (!good) {
    throw Error(ErrorKind::kValidation,
                "the secret's version is refused: expected 1 to 127 letters, digits, '-', '_', '.' "
                "and '~'");
  }
}

}  // namespace gesso::azure
