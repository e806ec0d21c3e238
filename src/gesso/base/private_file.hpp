// Files that a program keeps for itself.
#pragma once

#include <filesystem>
#include <string_view>

namespace gesso {

enum class Readers { kOwner, kEverybody };

// Puts these bytes in the place of a file, whole or not at all: written beside it, flushed to the
// disk, then renamed. Only its owner may write it, and with `kOwner` only he may read it. Throws
// Error (kInternal) with the path and the reason. Blocks on the disk.
void replace_file(const std::filesystem::path& path, std::string_view bytes,
                  Readers readers = Readers::kOwner);

}  // namespace gesso
