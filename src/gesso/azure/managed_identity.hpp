// The identity that the platform gives to what runs on it: App Service and Container Apps, machines
// under Azure Arc, virtual machines (the instance metadata service)
// (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/).
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "gesso/azure/credential.hpp"
#include "gesso/azure/entra.hpp"
#include "gesso/azure/secret_file.hpp"
#include "gesso/client/retry.hpp"

namespace gesso::azure {

// Which of the identities that are assigned to the platform's resource.
struct ManagedIdentityId {
  enum class Kind { kSystemAssigned, kClientId, kObjectId, kResourceId };
  Kind kind = Kind::kSystemAssigned;
  std::string value = {};
};

struct ManagedIdentityOptions {
  ManagedIdentityId id = {};
  // How often App Service's endpoint and Arc's agent are asked again.
  client::RetryFsm::Options retry = {};
  // How often the instance metadata service is asked again: 2, 6, 14 and 30 s after the first
  // attempt, as the service's guidance has it.
  client::RetryFsm::Options imds_retry = {
      .wait_min = std::chrono::seconds{2}, .gone_for = std::chrono::seconds{70}, .not_found = true};
  // How long a chain waits for the metadata service to show that it exists at all.
  std::chrono::milliseconds imds_probe{1000};
  ArcKeyRules arc = {};
};

// Makes the credential of the first endpoint that the environment speaks of: IDENTITY_ENDPOINT with
// IDENTITY_HEADER (App Service, Container Apps; looked for first, since Container Apps and Arc both
// set IDENTITY_ENDPOINT), IDENTITY_ENDPOINT with IMDS_ENDPOINT (Arc), else the instance metadata
// service at 169.254.169.254 or AZURE_POD_IDENTITY_AUTHORITY_HOST. No request passes a proxy, and
// none is sent in clear beyond this machine and its link, but for App Service's private addresses.
//
// Throws Error kValidation for an endpoint that is neither https nor such an address, and for an
// `id` without a value. On Arc a token for an `id` that the agent's reply does not confirm is
// refused (kAuth).
[[nodiscard]] std::unique_ptr<Credential> make_managed_identity(const Environment& environment,
                                                                ManagedIdentityOptions options,
                                                                CredentialIo io);

}  // namespace gesso::azure
