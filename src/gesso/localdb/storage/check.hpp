// The check of a whole data folder: every index against its documents and back, and the counters.
//
// Pure over the folder; blocks for as long as reading all of it takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "gesso/localdb/storage/index_keys.hpp"

namespace gesso::localdb {

struct FolderReport {
  std::uint64_t collections = 0;
  std::uint64_t documents = 0;
  std::uint64_t index_entries = 0;
  std::vector<std::string> faults;  // empty when all agrees
};

// REQUIRES: nobody has the folder open. Throws Error as `Store` does.
[[nodiscard]] FolderReport check_folder(const std::filesystem::path& data_dir,
                                        IndexReader read_index);

}  // namespace gesso::localdb
