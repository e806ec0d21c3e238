#include "gesso/azure/secret_file.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include "gesso/base/error.hpp"

namespace gesso::azure {
namespace {

constexpr std::size_t kMaxArcKey = 4096;

class File {
  int fd_;

 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
};

std::string why() { return std::generic_category().message(errno); }

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kAuth, message); }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

// `about` starts the message: what the file is, and its path.
Secret read_all(int fd, std::size_t most, const std::string& about) {
  std::string text(most + 1, '\0');  // in one piece: growth would leave copies behind
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      wipe(text);
      refuse(about + ": cannot be read: " + why());
    }
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  Secret secret(trimmed(std::string_view(text).substr(0, size)));
  wipe(text);
  if (size > most) {
    refuse(about + ": expected at most " + std::to_string(most) + " bytes, found more");
  }
  if (secret.empty()) refuse(about + ": expected a secret, found an empty file");
  return secret;
}

std::optional<uid_t> user_id(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return std::nullopt;
  }
  return entry.pw_uid;
}

}  // namespace

Secret read_secret_file(std::string_view what, const std::string& path, std::size_t most) {
  const std::string about = std::string(what) + " (" + path + ")";
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd() < 0) refuse(about + ": cannot be opened: " + why());
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode)) {
    refuse(about + ": expected a regular file");
  }
  return read_all(file.fd(), most, about);
}

std::string read_arc_challenge(std::string_view www_authenticate) {
  constexpr std::string_view kExpected = "basic realm=";
  std::string_view text = trimmed(www_authenticate);
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  if (text.size() <= kExpected.size() ||
      !std::equal(kExpected.begin(), kExpected.end(), text.begin(),
                  [&](char b, char a) { return same(a, b); })) {
    refuse("Azure Arc's challenge: expected WWW-Authenticate: Basic realm=FILE");
  }
  text.remove_prefix(kExpected.size());
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  const auto is_plain = [](char c) { return c >= ' ' && c < '\x7F' && c != '"'; };
  if (text.empty() || text.size() > 1024 || !std::all_of(text.begin(), text.end(), is_plain)) {
    refuse("Azure Arc's challenge: expected the path of a file as its realm");
  }
  return std::string(text);
}

Secret read_arc_key(const std::string& path, const ArcKeyRules& rules) {
  const std::string about = "Azure Arc's challenge names " + path;
  std::string folder = rules.folder;
  while (folder.ends_with('/')) folder.pop_back();
  if (!path.starts_with(folder + "/")) refuse(about + ": expected a file in " + folder);
  const std::string name = path.substr(folder.size() + 1);
  if (name.find('/') != std::string::npos) refuse(about + ": expected a file right in " + folder);
  if (!name.ends_with(".key")) refuse(about + ": expected a name that ends with .key");

  const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() < 0) refuse(about + ": the folder cannot be opened: " + why());
  // From the folder that was opened, and no link: what is checked is what is read.
  const File file(
      ::openat(directory.fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (file.fd() < 0) {
    if (errno == ELOOP) refuse(about + ": it is a symbolic link");
    refuse(about + ": it cannot be opened: " + why() +
           (errno == EACCES ? " (this process must be in the group himds)" : ""));
  }
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) refuse(about + ": it cannot be examined: " + why());
  if (!S_ISREG(status.st_mode)) refuse(about + ": it is no regular file");
  if (status.st_uid != 0 && status.st_uid != user_id(rules.owner)) {
    refuse(about + ": expected root or " + rules.owner + " to own it, found user " +
           std::to_string(status.st_uid));
  }
  if ((status.st_mode & S_IWOTH) != 0) refuse(about + ": everybody may write to it");
  if (status.st_size > static_cast<off_t>(kMaxArcKey)) {
    refuse(about + ": expected at most 4096 bytes, found " + std::to_string(status.st_size));
  }
  return read_all(file.fd(), kMaxArcKey, about);
}

}  // namespace gesso::azure
