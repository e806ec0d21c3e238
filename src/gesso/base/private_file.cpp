#include "gesso/base/private_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "gesso/base/error.hpp"

namespace gesso {
namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0;
}

}  // namespace

void replace_file(const std::filesystem::path& path, std::string_view bytes, Readers readers) {
  const auto fail = [&](int why) -> Error {
    return {ErrorKind::kInternal, "cannot write " + path.string() + ": " + std::strerror(why)};
  };
  const std::string temporary = path.string() + "." + std::to_string(::getpid());
  (void)::unlink(temporary.c_str());  // of a process that died, and had the same number
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                        readers == Readers::kOwner ? 0600 : 0644);
  if (fd < 0) throw fail(errno);
  int why = write_all(fd, bytes) ? 0 : errno;
  ::close(fd);
  if (why == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) why = errno;
  if (why == 0) return;
  (void)::unlink(temporary.c_str());
  throw fail(why);
}

}  // namespace gesso
