#include "gesso/cli/signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

namespace gesso::cli {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal_fd_ = checked(::signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
  wake_fd_ = checked(::eventfd(0, EFD_CLOEXEC), "eventfd");
  thread_ = std::thread([this] { watch(); });
}

Signals::~Signals() {
  const std::uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);
  thread_.join();
  ::close(signal_fd_);
  ::close(wake_fd_);
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void Signals::watch() {
  std::array<pollfd, 2> waits{pollfd{.fd = signal_fd_, .events = POLLIN, .revents = 0},
                              pollfd{.fd = wake_fd_, .events = POLLIN, .revents = 0}};
  while (::poll(waits.data(), waits.size(), -1) < 0) {
    if (errno != EINTR) return;
  }
  if (waits[0].revents == 0) return;
  signalfd_siginfo info{};
  (void)!::read(signal_fd_, &info, sizeof info);
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    requested_ = true;
    callback = on_request_;
    running_ = true;
  }
  changed_.notify_all();
  if (callback) callback();
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
  }
  changed_.notify_all();
  // From here the next signal finds a thread that does not block it, and its default action.
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  while (::poll(&waits[1], 1, -1) < 0 && errno == EINTR) {
  }
}

void Signals::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return requested_; });
}

bool Signals::requested() const {
  const std::lock_guard lock(mutex_);
  return requested_;
}

void Signals::on_request(std::function<void()> callback) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !running_; });
    on_request_ = callback;
    if (!requested_) return;
  }
  if (callback) callback();
}

}  // namespace gesso::cli
