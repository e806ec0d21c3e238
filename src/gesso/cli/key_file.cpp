#include "gesso/cli/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "gesso/base/text.hpp"
#include "gesso/cli/command.hpp"

namespace gesso::cli {
namespace {

constexpr std::size_t kKeyDigits = 64;

[[noreturn]] void fail(const std::string& doing, const std::filesystem::path& path) {
  throw Failure(ExitCode::kFailure,
                "cannot " + doing + " " + path.string() + ": " + std::strerror(errno));
}

std::optional<Secret> read_key(const std::filesystem::path& path, const KeyFile& of) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return std::nullopt;
    fail("read", path);
  }
  std::string text(std::istreambuf_iterator<char>(file), {});
  while (text.ends_with('\n')) text.pop_back();
  if (text.size() < kKeyDigits) {
    throw Failure(ExitCode::kFailure, path.string() + " is not a key: expected " +
                                          std::to_string(kKeyDigits) + " digits, found " +
                                          std::to_string(text.size()) +
                                          " bytes. Remove it to have a new one made; " +
                                          std::string(of.if_removed) + ".");
  }
  return Secret(std::move(text));
}

}  // namespace

Secret load_or_make_key(const std::filesystem::path& data_dir, const KeyFile& of, Random& random) {
  const std::filesystem::path path = data_dir / of.name;
  if (auto key = read_key(path, of)) return std::move(*key);

  std::array<std::uint8_t, kKeyDigits / 2> bytes{};
  random.fill(bytes);
  std::string digits;
  digits += hex(bytes);
  // Written whole under another name, then linked to its own, which only the first can do.
  std::filesystem::create_directories(data_dir);
  const std::string temporary = path.string() + "." + std::to_string(::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) fail("make", temporary);
  const bool written =
      ::write(fd, digits.data(), digits.size()) == static_cast<ssize_t>(digits.size()) &&
      ::fsync(fd) == 0;
  ::close(fd);
  wipe(digits);
  const bool linked = written && (::link(temporary.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const int why = errno;
  ::unlink(temporary.c_str());
  errno = why;
  if (!linked) fail("make", path);
  auto key = read_key(path, of);
  if (!key) fail("read", path);
  return std::move(*key);
}

}  // namespace gesso::cli
