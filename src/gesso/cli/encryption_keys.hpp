// What the secrets in the database are encrypted with: the setting `encryption_keys`, or a key of
// the data folder's own beside the embedded database.
#pragma once

#include <optional>

#include "gesso/base/keyring.hpp"
#include "gesso/base/random.hpp"
#include "gesso/cli/settings.hpp"

namespace gesso::cli {

// std::nullopt where the database is a server's and no key is set: one that this machine made for
// itself would be lost with it, and no other instance would have it. Blocks on the disk. Throws
// Error (kValidation) for a key that is there twice, and Failure as load_or_make_key.
[[nodiscard]] std::optional<Keyring> encryption_keys(const Settings& settings, Random& random);

}  // namespace gesso::cli
