// Which hosts are key vaults: the URL of a vault checked against an allow-list, with the resource
// that tokens for it are made out to.
//
// Pure functions. Nothing is sent to a host that did not pass here, so that no token reaches one
// that merely looks like a vault (`evilvault.azure.net`, `vault.azure.net.evil.com`).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gesso::azure {

// Whether `host` is a name below `domain`: ends with "." + domain and has a label before it.
[[nodiscard]] bool is_below(std::string_view host, std::string_view domain);

struct VaultUrl {
  std::string text;                      // "https://NAME.vault.azure.net": no slash at its end
  std::string host;                      // "NAME.vault.azure.net"
  std::string suffix;                    // "vault.azure.net"
  std::string resource;                  // "https://vault.azure.net"
  std::vector<std::string> authorities;  // hosts of the identity platform in that cloud
};

// Throws Error (kValidation) with the reason. `more_suffixes` extends the list of clouds; a vault's
// name is one label before the suffix, the port is 443.
[[nodiscard]] VaultUrl check_vault_url(std::string_view url,
                                       const std::vector<std::string>& more_suffixes = {});

// Throw Error (kValidation). A name has 1 to 127 letters, digits and '-'. A version is whatever the
// vault calls one, and stands in a URL as it is: letters, digits, '-', '_', '.' and '~'.
void check_secret_name(std::string_view name);
void check_secret_version(std::string_view version);

}  // namespace gesso::azure
