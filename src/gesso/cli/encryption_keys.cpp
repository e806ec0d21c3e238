#include "gesso/cli/encryption_keys.hpp"

#include <string>
#include <utility>
#include <vector>

#include "gesso/cli/key_file.hpp"

namespace gesso::cli {

std::optional<Keyring> encryption_keys(const Settings& settings, Random& random) {
  std::vector<Secret> keys;
  for (std::string& key : list_of(settings.encryption_keys.reveal())) {
    keys.emplace_back(std::move(key));
  }
  if (keys.empty()) {
    if (!settings.mongodb_uri.empty() || !settings.key_vault_url.empty()) return std::nullopt;
    keys.push_back(load_or_make_key(settings.data_dir, kEncryptionKey, random));
  }
  return Keyring(keys);
}

}  // namespace gesso::cli
