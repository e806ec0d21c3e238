// Azure on this machine, for tests: Entra ID, a Key Vault and the identity endpoints of the
// platforms, from their published wire formats, over real sockets and real TLS.
//
//   AzureStandIn azure;
//   azure.vault.set_secret("mongodb-connection-string", uri);
//   setenv(azure.environment(AzureIdentity::kAppService));
//   ...
//   azure.vault.server().fail_next(3, Fault::with_status(503));
//   EXPECT_EQ(azure.tokens.count("app_service"), 1);
//
// No check of a client needs to be loosened: `connect_to` leads the real host names here and
// `ca_file` vouches for them. Owned by the test; thread-safe; the destructor ends all servers.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "gesso/base/clock.hpp"
#include "gesso/testing/azure_entra.hpp"
#include "gesso/testing/azure_key_vault.hpp"
#include "gesso/testing/azure_managed_identity.hpp"
#include "gesso/testing/azure_tokens.hpp"
#include "gesso/testing/https_server.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "gesso/testing/test_ca.hpp"

namespace gesso::testing {

enum class AzureIdentity {
  kAppService,  // Container Apps too
  kArc,
  kImds,
  kClientSecret,
  kClientCertificate,
  kWorkloadIdentity,
};

// "app_service", "arc", "imds", "client_secret", "client_certificate", "workload_identity"
[[nodiscard]] std::string_view to_string(AzureIdentity identity);

class AzureStandIn {
 public:
  struct Options {
    std::string vault_host = "myvault.vault.azure.net";
    std::string authority_host = "login.microsoftonline.com";
    std::string resource = "https://vault.azure.net";
    std::string tenant = "72f5e5a4-1111-4222-8333-444455556666";
    const Clock* clock = nullptr;           // none: the system's; must outlive this
    std::filesystem::path arc_folder = {};  // empty: one of its own
  };

 private:
  const Options options_;
  TempDir folder_;
  SystemClock system_clock_;

 public:
  const TestCa ca;
  AzureTokens tokens;
  EntraStandIn entra;
  ImdsStandIn imds;
  AppServiceStandIn app_service;
  ArcStandIn arc;
  KeyVaultStandIn vault;

  AzureStandIn() : AzureStandIn(Options{}) {}
  explicit AzureStandIn(Options options);

  // The text of GESSO_AZURE_CONNECT_TO: HOST:443:127.0.0.1:PORT for the vault and the authority.
  [[nodiscard]] std::string connect_to() const;
  // PEM, for GESSO_AZURE_CA_FILE.
  [[nodiscard]] std::string ca_file() const;
  [[nodiscard]] const std::string& tenant() const { return options_.tenant; }
  // What the platform of this identity sets, and GESSO_KEY_VAULT_URL, GESSO_AZURE_CONNECT_TO and
  // GESSO_AZURE_CA_FILE: with these and nothing else `gesso serve` finds its secret.
  [[nodiscard]] std::map<std::string, std::string> environment(AzureIdentity identity);
  // The part of `environment` that belongs to the identity alone.
  [[nodiscard]] std::map<std::string, std::string> identity_environment(AzureIdentity identity);
};

}  // namespace gesso::testing
