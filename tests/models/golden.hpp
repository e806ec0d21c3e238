// Compares a text with a file that is kept in the tree.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace gesso::models::testing {

// With GESSO_UPDATE_GOLDEN in the environment the file is written instead; the change is then for
// the reviewer to see. `path` is relative to the root of the sources.
inline void expect_golden(const std::string& path, const std::string& text) {
  const std::string full = std::string(GESSO_SOURCE_DIR) + "/" + path;
  if (std::getenv("GESSO_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(full, std::ios::binary) << text;
    return;
  }
  std::ostringstream kept;
  kept << std::ifstream(full, std::ios::binary).rdbuf();
  EXPECT_EQ(kept.str(), text) << path << " is out of date: run this test with "
                              << "GESSO_UPDATE_GOLDEN=1 and read the difference";
}

}  // namespace gesso::models::testing
