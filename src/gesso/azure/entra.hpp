// Microsoft Entra ID's token endpoint (v2.0, client credentials), and the two credentials that ask
// it themselves: the environment's secret or certificate, and a workload's federated token
// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/azure/credential.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/client/retry.hpp"

namespace gesso::azure {

// "https://HOST" of AZURE_AUTHORITY_HOST: login.microsoftonline.com (the default),
// login.microsoftonline.us, login.partner.microsoftonline.cn (and the older
// login.chinacloudapi.cn), or that of a private cloud; "https://" may be left out. Throws Error
// kValidation for anything but an https URL of a host alone: secrets are sent there.
[[nodiscard]] std::string read_authority(std::string_view text);

// An application of a tenant.
struct EntraApplication {
  std::string authority;  // "https://login.microsoftonline.com"
  std::string tenant;     // an id or a domain
  std::string client_id;
  // AZURE_ADDITIONALLY_ALLOWED_TENANTS: others that a token may be asked of; "*" is every one.
  std::vector<std::string> more_tenants = {};

  // AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID. Throws Error kValidation for values
  // that cannot stand in a URL.
  [[nodiscard]] static EntraApplication from(const Environment& environment);

  // The endpoint that a request goes to. Throws Error kAuth where it names a tenant that this
  // application may not ask.
  [[nodiscard]] std::string token_url(const TokenRequest& request) const;
};

// How the application shows that it is itself.
struct EntraProof {
  enum class Kind {
    kSecret,     // that it shares with Entra ID
    kAssertion,  // a JWT, signed by its own certificate or by a cluster that Entra ID trusts
  };
  Kind kind;
  Secret value;
};

// Throws as `token_url`.
[[nodiscard]] client::HttpRequest entra_request(const EntraApplication& application,
                                                const TokenRequest& request,
                                                const EntraProof& proof);

// What the credentials send with and tell the time by: borrowed, must outlive them.
struct CredentialIo {
  client::HttpClient& client;
  const Clock& clock;
  Random& random;
};

// AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or AZURE_CLIENT_CERTIFICATE_PATH with
// AZURE_CLIENT_CERTIFICATE_PASSWORD and AZURE_CLIENT_SEND_CERTIFICATE_CHAIN (1 or true), whose file
// is read anew for each token.
[[nodiscard]] std::unique_ptr<Credential> make_environment_credential(
    const Environment& environment, client::RetryFsm::Options retry, CredentialIo io);

// AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE, read anew for each token: the
// cluster replaces it every hour or so.
[[nodiscard]] std::unique_ptr<Credential> make_workload_identity(const Environment& environment,
                                                                 client::RetryFsm::Options retry,
                                                                 CredentialIo io);

// "A and B are not set" of those variables that are missing; "" where none is.
[[nodiscard]] std::string missing(const Environment& environment,
                                  std::initializer_list<std::string_view> names);

// Letters, digits, '.' and '-', as ids and domains of tenants are.
[[nodiscard]] bool is_tenant(std::string_view text);

}  // namespace gesso::azure
