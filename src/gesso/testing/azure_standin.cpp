#include "gesso/testing/azure_standin.hpp"

#include <fstream>
#include <utility>

#include "gesso/testing/detail/azure_json.hpp"

namespace gesso::testing {
namespace {

ManagedIdentity system_assigned() {
  return {.client_id = detail::make_uuid(), .object_id = detail::make_uuid(), .resource_id = {}};
}

}  // namespace

std::string_view to_string(AzureIdentity identity) {
  switch (identity) {
    case AzureIdentity::kAppService:
      return "app_service";
    case AzureIdentity::kArc:
      return "arc";
    case AzureIdentity::kImds:
      return "imds";
    case AzureIdentity::kClientSecret:
      return "client_secret";
    case AzureIdentity::kClientCertificate:
      return "client_certificate";
    case AzureIdentity::kWorkloadIdentity:
      return "workload_identity";
  }
  return {};
}

AzureStandIn::AzureStandIn(Options options)
    : options_(std::move(options)),
      tokens(options_.clock != nullptr ? *options_.clock : system_clock_),
      entra(options_.authority_host, options_.tenant, detail::make_uuid(),
            ca.issue({options_.authority_host}), tokens),
      imds(options_.tenant, system_assigned(), tokens),
      app_service(options_.tenant, system_assigned(), tokens),
      arc(options_.tenant, system_assigned(), tokens,
          options_.arc_folder.empty() ? folder_ / "tokens" : options_.arc_folder),
      vault(options_.vault_host, options_.tenant, "https://" + options_.authority_host,
            options_.resource, ca.issue({options_.vault_host}), tokens) {
  tokens.add_resource(options_.resource);
}

std::string AzureStandIn::connect_to() const {
  const auto lead = [](const std::string& host, std::uint16_t port) {
    return host + ":443:127.0.0.1:" + std::to_string(port);
  };
  return lead(options_.vault_host, vault.server().port()) + "," +
         lead(options_.authority_host, entra.server().port());
}

std::string AzureStandIn::ca_file() const { return ca.file().string(); }

std::map<std::string, std::string> AzureStandIn::identity_environment(AzureIdentity identity) {
  switch (identity) {
    case AzureIdentity::kAppService:
      return app_service.environment();
    case AzureIdentity::kArc:
      return arc.environment();
    case AzureIdentity::kImds:
      return imds.environment();
    case AzureIdentity::kClientSecret:
      return entra.environment(EntraStandIn::Credential::kClientSecret);
    case AzureIdentity::kClientCertificate:
      return entra.environment(EntraStandIn::Credential::kClientCertificate);
    case AzureIdentity::kWorkloadIdentity:
      return entra.environment(EntraStandIn::Credential::kWorkloadIdentity);
  }
  return {};
}

std::map<std::string, std::string> AzureStandIn::environment(AzureIdentity identity) {
  auto variables = identity_environment(identity);
  variables["GESSO_KEY_VAULT_URL"] = vault.url();
  variables["GESSO_AZURE_CONNECT_TO"] = connect_to();
  variables["GESSO_AZURE_CA_FILE"] = ca_file();
  return variables;
}

}  // namespace gesso::testing
