// The key that signs access tokens where none is set: made once and kept in the data folder, so
// that tokens outlive a restart. Blocks on the disk.
#pragma once

#include <filesystem>

#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"

namespace gesso::cli {

// Reads `data_dir`/token.key, or makes it of 32 random bytes, readable for its owner alone. Of two
// processes that make it at once, both get the same. Throws Failure (kFailure) for a file that
// cannot be read or written, or that holds less.
[[nodiscard]] Secret load_or_make_token_key(const std::filesystem::path& data_dir, Random& random);

}  // namespace gesso::cli
