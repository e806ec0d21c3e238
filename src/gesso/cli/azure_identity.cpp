#include "gesso/cli/azure_identity.hpp"

#include <cstdlib>
#include <optional>
#include <string_view>

#include "gesso/azure/credentials.hpp"
#include "gesso/azure/token_cache.hpp"
#include "gesso/cli/version.hpp"
#include "gesso/client/curl_client.hpp"

namespace gesso::cli {
namespace {

azure::ManagedIdentityId managed_identity(std::string_view text) {
  using Kind = azure::ManagedIdentityId::Kind;
  if (text.empty()) return {};
  const std::size_t equals = text.find('=');
  const std::string_view kind = text.substr(0, equals);
  return {.kind = kind == "client_id"   ? Kind::kClientId
                  : kind == "object_id" ? Kind::kObjectId
                                        : Kind::kResourceId,
          .value = std::string(text.substr(equals + 1))};
}

std::unique_ptr<client::HttpClient> make_client(const Settings& settings,
                                                const azure::Environment& environment,
                                                const IdentityOptions& options) {
  std::vector<std::string> allowed = azure::credential_origins(environment);
  allowed.insert(allowed.end(), options.origins.begin(), options.origins.end());
  auto client = client::make_curl_client({.allowed = allowed,
                                          .connect_to = settings.azure_connect_to,
                                          .ca_file = settings.azure_ca_file,
                                          .user_agent = "gesso/" + std::string(version()),
                                          .max_reply = options.max_reply});
  return options.wrap ? options.wrap(std::move(client)) : std::move(client);
}

std::unique_ptr<azure::TokenProvider> make_tokens(const Settings& settings,
                                                  const azure::Environment& environment,
                                                  client::HttpClient& client, const Clock& clock,
                                                  Random& random, const IdentityOptions& wanted) {
  azure::CredentialOptions options{.environment = environment,
                                   .credential = settings.azure_credential};
  options.managed_identity.id = managed_identity(settings.azure_managed_identity);
  if (settings.azure_managed_identity.empty() && !wanted.client_id.empty() &&
      !environment("AZURE_CLIENT_ID")) {
    options.managed_identity.id = {.kind = azure::ManagedIdentityId::Kind::kClientId,
                                   .value = wanted.client_id};
  }
  options.managed_identity.retry.attempts = wanted.attempts;
  options.managed_identity.imds_retry.attempts = wanted.attempts;
  options.entra_retry.attempts = wanted.attempts;
  return std::make_unique<azure::TokenCache>(
      azure::make_credential(std::move(options), {client, clock, random}), clock, random);
}

}  // namespace

AzureIdentity::AzureIdentity(const Settings& settings, const azure::Environment& environment,
                             const Clock& clock, Random& random, IdentityOptions options)
    : client_(make_client(settings, environment, options)),
      tokens_(make_tokens(settings, environment, *client_, clock, random, options)) {}

azure::Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

}  // namespace gesso::cli
