// What Key Vault answers, read without trust and as leniently as Azure's SDKs read it (numbers and
// flags may be text, a version is any text, unknown members are nobody's concern): secrets, pages
// of versions, errors.
//
// Pure functions. Memory that held a secret's value is wiped. No message shows what a body held,
// but for codes that look like codes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/azure/secret_provider.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/client/http_client.hpp"

namespace gesso::azure {

// Throws Error (kInternal) for anything that is not a secret.
[[nodiscard]] SecretValue read_secret(const Secret& body);

struct VersionPage {
  std::vector<SecretVersion> versions;
  std::string next;  // the URL of the next page, unchecked; empty at the last
};
// Throws as `read_secret`.
[[nodiscard]] VersionPage read_version_page(const Secret& body);

// When a deleted secret was deleted and when it ends for good.
struct DeletedSecret {
  std::optional<Time> deleted;
  std::optional<Time> purged;
};
// std::nullopt for anything else.
[[nodiscard]] std::optional<DeletedSecret> read_deleted_secret(const Secret& body);

struct VaultError {
  std::string code;   // "Forbidden"; empty where there is none that looks like a code
  std::string inner;  // "ForbiddenByRbac", likewise
};
[[nodiscard]] VaultError read_vault_error(const Secret& body);

// A 403 that a role granted a moment ago explains: not the firewall's, nor the secret's state.
[[nodiscard]] bool may_be_a_fresh_role(const VaultError& error);

// The Error for a status that is neither 200 nor 401 or 404, with what to do.
[[nodiscard]] Error vault_failure(const client::HttpResponse& response, std::string_view vault_host,
                                  std::string_view name, Time now);

}  // namespace gesso::azure
