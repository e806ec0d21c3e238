// Keys that a service makes for itself where none is set: once each, kept in the data folder, so
// that what was done with them outlives a restart. Blocks on the disk.
#pragma once

#include <filesystem>
#include <string_view>

#include "gesso/base/random.hpp"
#include "gesso/base/secret.hpp"

namespace gesso::cli {

struct KeyFile {
  std::string_view name;
  std::string_view if_removed;  // what is lost with it: "tokens issued so far end then"
};

// Signs access tokens.
inline constexpr KeyFile kTokenKey{.name = "token.key",
                                   .if_removed = "tokens issued so far end then"};
// Encrypts what the database keeps of second factors.
inline constexpr KeyFile kEncryptionKey{
    .name = "encryption.key",
    .if_removed = "whoever has a second factor then needs a recovery code to log in"};

// Reads the file in `data_dir`, or makes it of 32 random bytes, readable for its owner alone. Of
// two processes that make it at once, both get the same. Throws Failure (kFailure) for a file that
// cannot be read or written, or that holds less.
[[nodiscard]] Secret load_or_make_key(const std::filesystem::path& data_dir, const KeyFile& file,
                                      Random& random);

}  // namespace gesso::cli
