#include "gesso/cli/token_keys.hpp"

#include <spdlog/spdlog.h>

#include "gesso/cli/key_file.hpp"

namespace gesso::cli {
namespace {

Secret current(const Settings& settings, Random& random) {
  if (!settings.jwt_secret.empty()) return settings.jwt_secret.clone();
  if (!settings.mongodb_uri.empty() || !settings.key_vault_url.empty()) {
    spdlog::warn(
        "GESSO_JWT_SECRET is not set: the key in {} signs access tokens and links, and services on "
        "other machines will not know it",
        settings.data_dir);
  }
  return load_or_make_key(settings.data_dir, kTokenKey, random);
}

}  // namespace

std::vector<Secret> token_keys(const Settings& settings, Random& random) {
  std::vector<Secret> keys;
  keys.push_back(current(settings, random));
  if (!settings.jwt_previous_secret.empty()) keys.push_back(settings.jwt_previous_secret.clone());
  return keys;
}

}  // namespace gesso::cli
