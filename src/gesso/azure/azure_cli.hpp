// The identity of whoever is logged in with the Azure CLI: for development.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "gesso/azure/credential.hpp"
#include "gesso/base/clock.hpp"

namespace gesso::azure {

struct AzureCliOptions {
  std::string program = "az";  // looked for in PATH where it holds no slash
  std::chrono::milliseconds limit{13'000};
};

// Runs `az account get-access-token`. The clock is borrowed and must outlive the credential.
[[nodiscard]] std::unique_ptr<Credential> make_azure_cli(AzureCliOptions options,
                                                         const Clock& clock);

}  // namespace gesso::azure
