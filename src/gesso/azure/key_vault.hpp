// Azure Key Vault as a provider of secrets.
//
// The vault's host is checked against an allow-list before anything is sent (vault_url.hpp), and
// the token's resource comes from that list, never from what the vault says. So there is nothing
// to discover, and the first request carries a token already (the SDKs of Azure ask without one
// first, to learn resource and tenant from the challenge). A 401 is answered with one fresh token,
// after its challenge was compared with the list: a challenge that names another resource,
// authority or tenant is refused with its reason, and so is a redirect.
//
// Thread-safe; blocks. Borrows what it is given, which must outlive it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/azure/secret_provider.hpp"
#include "gesso/azure/token.hpp"
#include "gesso/azure/vault_url.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/client/retry.hpp"

namespace gesso::azure {

struct KeyVaultOptions {
  std::string url;                              // https://NAME.vault.azure.net
  std::vector<std::string> more_suffixes = {};  // besides the clouds' own: "vault.example.net"
  // Hosts that a challenge may name besides the cloud's own: "login.example.net".
  std::vector<std::string> more_authorities = {};
  // The vault's tenant (its id, not a domain) where it is not the identity's own: tokens are asked
  // for there. Empty: the identity's own, and a vault that names another is refused.
  std::string tenant = {};
  // What a later attempt may cure: throttling (1, 2, 4, 8 s as the service's guidance says, or what
  // the reply asks for) and failures of the service.
  client::RetryFsm::Options retry = {};
  // A 403 may be of a role that was granted a moment ago: how many more attempts are made, and
  // how far apart the first two are.
  int forbidden_attempts = 2;
  std::chrono::milliseconds forbidden_wait{1000};
  std::chrono::milliseconds timeout{10'000};  // of one attempt
};

class KeyVault final : public SecretProvider {
  KeyVaultOptions options_;
  VaultUrl url_;
  client::HttpClient& client_;
  TokenProvider& tokens_;
  const Clock& clock_;
  Random& random_;

  [[nodiscard]] client::HttpResponse ask(const std::string& url, const client::Call& call);
  [[nodiscard]] client::HttpResponse send(const client::HttpRequest& request,
                                          const client::Call& call);
  [[noreturn]] void refuse_missing(std::string_view name, std::string_view version,
                                   const client::Call& call);

 public:
  // Throws Error (kValidation) for a URL that is no vault's, with the reason.
  KeyVault(KeyVaultOptions options, client::HttpClient& client, TokenProvider& tokens,
           const Clock& clock, Random& random);

  // Gets a secret as `SecretProvider::get` says; throws, besides, kInternal for a redirect and for
  // a reply that makes no sense (the message never shows what the reply held). An expired secret is
  // refused although the service still gives it: its `exp` is the owner's word that it is not to be
  // used.
  [[nodiscard]] SecretValue get(std::string_view name, std::string_view version,
                                const client::Call& call) override;
  [[nodiscard]] std::vector<SecretVersion> versions(std::string_view name,
                                                    const client::Call& call) override;

  [[nodiscard]] const VaultUrl& url() const { return url_; }
};

}  // namespace gesso::azure
