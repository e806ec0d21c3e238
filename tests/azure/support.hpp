// What the tests of credentials share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gesso/azure/credentials.hpp"
#include "gesso/testing/azure_standin.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/client/scripted_client.hpp"
#include "tests/client/support.hpp"

namespace gesso::azure {

using client::error_of;
using client::kAtOnce;

inline Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

// The servers of a stand-in's vault and of each of its identities.
inline std::vector<std::string> origins_of(testing::AzureStandIn& azure) {
  using testing::AzureIdentity;
  std::vector<std::string> origins{azure.vault.url()};
  for (const auto identity : {AzureIdentity::kAppService, AzureIdentity::kArc, AzureIdentity::kImds,
                              AzureIdentity::kClientSecret, AzureIdentity::kClientCertificate,
                              AzureIdentity::kWorkloadIdentity}) {
    const auto environment = environment_of(azure.identity_environment(identity));
    for (std::string& origin : credential_origins(environment)) origins.push_back(origin);
  }
  return origins;
}

// A scripted client, a clock that stands at 2026-01-31T12:00:00Z (1769860800), randomness.
struct Scripted {
  client::ScriptedClient client;
  testing::FakeClock clock;
  testing::SeededRandom random{1};

  [[nodiscard]] CredentialIo io() { return {client, clock, random}; }
};

}  // namespace gesso::azure
