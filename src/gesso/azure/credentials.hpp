// Who we are, to Azure: the chain of credentials that a program without a password tries, or the
// one of them that a setting names.
//
//   const auto client = client::make_curl_client({.allowed = credential_origins(environment)});
//   TokenCache tokens(make_credential({.environment = environment}, {*client, clock, random}),
//                     clock, random);
//   AccessToken token = tokens.token({}, {.deadline = Deadline::after(10s)});
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gesso/azure/azure_cli.hpp"
#include "gesso/azure/credential.hpp"
#include "gesso/azure/entra.hpp"
#include "gesso/azure/managed_identity.hpp"
#include "gesso/azure/token.hpp"

namespace gesso::azure {

struct CredentialOptions {
  // Asked while the credential is made; never later.
  Environment environment;
  // EnvironmentCredential, WorkloadIdentityCredential, ManagedIdentityCredential,
  // AzureCliCredential; `prod` for the first three, `dev` for the last; "" for what
  // AZURE_TOKEN_CREDENTIALS says, or else all of them. Upper and lower case are the same.
  std::string credential = {};
  // A system-assigned identity here means the one that AZURE_CLIENT_ID names, where it is set.
  ManagedIdentityOptions managed_identity = {};
  AzureCliOptions azure_cli = {};
  client::RetryFsm::Options entra_retry = {};
};

// The chain asks environment, workload identity, managed identity and Azure CLI in this order, and
// stays with the first that gave a token. One that is not set up here is passed over; one that is
// set up and fails ends it. (So do Azure's SDKs for .NET, Java and Python; the one for C++ goes on,
// and then a secret that has expired makes a program run as somebody else without a word.)
//
// Asks nobody yet; `io` is borrowed and must outlive the result. Throws Error kValidation for an
// unknown name (the message has those that are known) and for settings of a credential that are
// malformed.
[[nodiscard]] std::unique_ptr<TokenProvider> make_credential(CredentialOptions options,
                                                             CredentialIo io);

// The servers that the credentials of this environment ask for tokens: the identity platform's and
// the endpoint of the managed identity. What cannot be read is left out, for `make_credential` says
// what is wrong with it.
[[nodiscard]] std::vector<std::string> credential_origins(const Environment& environment);

}  // namespace gesso::azure
