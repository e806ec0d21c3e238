#include "gesso/cli/vault.hpp"

#include <vector>

#include "gesso/client/url.hpp"

namespace gesso::cli {
namespace {

IdentityOptions identity_options(const Settings& settings, VaultOptions& options) {
  IdentityOptions out{.wrap = std::move(options.wrap), .attempts = options.attempts};
  if (const auto url = client::parse_url(settings.key_vault_url)) out.origins = {url->origin()};
  return out;
}

}  // namespace

Vault::Vault(const Settings& settings, const azure::Environment& environment, const Clock& clock,
             Random& random, VaultOptions options)
    : identity_(settings, environment, clock, random, identity_options(settings, options)),
      vault_({.url = settings.key_vault_url,
              .more_suffixes = list_of(settings.key_vault_suffixes),
              .tenant = settings.key_vault_tenant,
              .retry = {.attempts = options.vault_attempts}},
             identity_.client(), identity_.tokens(), clock, random),
      secret_(settings.mongodb_secret) {}

}  // namespace gesso::cli
