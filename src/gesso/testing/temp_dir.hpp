// A folder of its own for a test, removed with all it holds at the end.
#pragma once

#include <stdlib.h>  // mkdtemp is POSIX

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace gesso::testing {

class TempDir {
  std::filesystem::path path_;

 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "gesso-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
    }
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // A path within the folder: `dir / "data"`.
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }
};

}  // namespace gesso::testing
