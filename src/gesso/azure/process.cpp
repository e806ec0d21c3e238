#include "gesso/azure/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>  // explicit_bzero
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "gesso/base/error.hpp"

namespace gesso::azure {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{1} << 20;

[[noreturn]] void fail(const std::string& what, int code) {
  throw Error(ErrorKind::kInternal, what + ": " + std::generic_category().message(code));
}

class Descriptor {
  int fd_ = -1;

 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
};

struct Pipe {
  Descriptor read, write;

  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("a pipe could not be made", errno);
    read = Descriptor(ends[0]);
    write = Descriptor(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
};

// glibc 2.36 declares its own without extern "C", so that no C++ program links it.
int pidfd_open(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

// A child and its process group: killed, where it still runs, and waited for in the end.
class Child {
  pid_t pid_;
  Descriptor ended_;  // readable once it has
  bool waited_ = false;

 public:
  explicit Child(pid_t pid) : pid_(pid), ended_(pidfd_open(pid)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (!waited_) (void)kill_and_wait();
  }

  [[nodiscard]] int ended_fd() const { return ended_.get(); }
  // Also what it left behind: a program that has ended needs no helpers.
  int kill_and_wait() {
    ::kill(-pid_, SIGKILL);
    return wait();
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    waited_ = true;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
};

std::optional<pid_t> spawn(const std::vector<std::string>& arguments, const Pipe& out,
                           const Pipe& err) {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, out.write.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, err.write.get(), STDERR_FILENO);
  // A group of its own, to end with all it starts; and no signal blocked or ignored as ours are.
  sigset_t none{};
  sigset_t all{};
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int code = ::posix_spawnp(&pid, argv[0], &files, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  if (code == ENOENT || code == ENOTDIR) return std::nullopt;
  if (code != 0) fail(arguments[0] + " could not be started", code);
  return pid;
}

// False once the other end is closed.
bool read_some(Descriptor& from, std::string& to) {
  std::array<char, 16'384> buffer{};
  while (true) {
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    to.append(buffer.data(), static_cast<std::size_t>(got));
    ::explicit_bzero(buffer.data(), buffer.size());
    if (to.size() > kMaxOutput) return false;
  }
}

struct Wiped {
  std::string text;
  Wiped() { text.reserve(65'536); }  // so that it does not grow, and leave copies, for a token
  ~Wiped() { wipe(text); }
};

}  // namespace

std::optional<ProcessResult> run_process(const std::vector<std::string>& arguments,
                                         std::chrono::milliseconds limit,
                                         const client::Call& call) {
  const std::string doing = "running " + arguments.at(0);
  check(call, doing);
  const Descriptor stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stopped.open()) fail("an event descriptor could not be made", errno);
  const std::stop_callback wake(call.stop, [&stopped] { ::eventfd_write(stopped.get(), 1); });
  Pipe out;
  Pipe err;
  const auto pid = spawn(arguments, out, err);
  if (!pid) return std::nullopt;
  Child child(*pid);
  if (child.ended_fd() < 0) fail(doing, errno);
  out.write.close();
  err.write.close();

  const Deadline own = Deadline::after(limit);
  Wiped output;
  std::string errors;
  bool ended = false;
  while (!ended) {
    std::array<pollfd, 4> wanted{{{child.ended_fd(), POLLIN, 0},
                                  {stopped.get(), POLLIN, 0},
                                  {out.read.get(), POLLIN, 0},  // -1 once closed: left out
                                  {err.read.get(), POLLIN, 0}}};
    const auto left =
        std::min(own.earlier_of(call.deadline).remaining(), std::chrono::milliseconds{3'600'000});
    if (::poll(wanted.data(), wanted.size(), static_cast<int>(left.count())) < 0 &&
        errno != EINTR) {
      fail(doing, errno);
    }
    check(call, doing);
    if (own.expired()) {
      throw Error(ErrorKind::kTimeout,
                  arguments[0] + " did not end within " + std::to_string(limit.count()) + " ms",
                  {.retryable = true});
    }
    ended = (wanted[0].revents & POLLIN) != 0;
    if (out.read.open() && !read_some(out.read, output.text)) out.read.close();
    if (err.read.open() && !read_some(err.read, errors)) err.read.close();
    if (output.text.size() > kMaxOutput || errors.size() > kMaxOutput) {
      throw Error(ErrorKind::kInternal, arguments[0] + " printed more than 1 MiB");
    }
  }
  const int exit_code = child.kill_and_wait();
  return ProcessResult{exit_code, Secret(std::move(output.text)), std::move(errors)};
}

}  // namespace gesso::azure
