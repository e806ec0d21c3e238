#include "gesso/localdb/server/socket.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "gesso/base/error.hpp"

namespace gesso::localdb::wire {
namespace {

constexpr int kBacklog = 1024;
constexpr std::size_t kFirstRead = 16 * 1024;
constexpr std::size_t kKeptBuffer = 1024 * 1024;  // a larger one is given back after its message

std::string reason() { return std::generic_category().message(errno); }

[[noreturn]] void unavailable(const std::string& what) {
  throw Error(ErrorKind::kUnavailable, what + ": " + reason());
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    throw Error(ErrorKind::kValidation, "the path of a Unix socket has 1 to " +
                                            std::to_string(sizeof address.sun_path - 1) +
                                            " bytes, found " + std::to_string(path.size()) + ": " +
                                            path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// The calls of the socket API take every family through one type.
const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Removes the file of a server that has died. Throws when one lives, or when it is no socket.
void remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return;
    unavailable("cannot look at " + path);
  }
  if (!S_ISSOCK(status.st_mode)) {
    throw Error(ErrorKind::kValidation, path + " exists and is not a socket");
  }
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), generic(address), sizeof address) == 0) {
    throw Error(ErrorKind::kUnavailable, "another server listens on " + path);
  }
  if (errno != ECONNREFUSED) unavailable("cannot tell whether a server listens on " + path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) unavailable("cannot replace " + path);
}

struct PeerName {
  std::string name;
  bool local = false;
};

PeerName peer_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {"gone", false};
  if (address.ss_family == AF_UNIX) {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    (void)::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length);
    return {"unix:" + std::to_string(credentials.pid), true};
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    (void)::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    const bool local = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
                       (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
    return {"[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port)), local};
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  (void)::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  const bool local = (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  return {std::string(text.data()) + ":" + std::to_string(ntohs(v4.sin_port)), local};
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int Descriptor::release() noexcept { return std::exchange(fd_, -1); }

Descriptor listen_unix(const std::string& path) {
  const sockaddr_un address = unix_address(path);
  remove_stale(path, address);
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::bind(socket.get(), generic(address), sizeof address) != 0) {
    unavailable("cannot listen on " + path);
  }
  // Nobody can connect between bind and listen, so the file is never open to others.
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(socket.get(), kBacklog) != 0) {
    unavailable("cannot listen on " + path);
  }
  return socket;
}

std::vector<Descriptor> listen_tcp(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      code != 0) {
    throw Error(ErrorKind::kUnavailable, "cannot resolve " + host + ": " + ::gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  std::vector<Descriptor> listening;
  for (addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    // The port stands at the same place for both families.
    if (!listening.empty()) {
      reinterpret_cast<sockaddr_in*>(address->ai_addr)->sin_port =
          htons(bound_port(listening.front()));
    }
    Descriptor socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6 && addresses->ai_next != nullptr) {
      (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (socket.get() >= 0 && ::bind(socket.get(), address->ai_addr, address->ai_addrlen) == 0 &&
        ::listen(socket.get(), kBacklog) == 0) {
      listening.push_back(std::move(socket));
      continue;
    }
    // A family that this machine does not have is no fault while another is there.
    const bool is_last = address->ai_next == nullptr;
    const bool is_absent = errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT;
    if (!is_absent || (is_last && listening.empty())) {
      unavailable("cannot listen on " + host + ":" + std::to_string(port));
    }
  }
  return listening;
}

std::uint16_t bound_port(const Descriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  // The port stands at the same place for both families.
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

Connection::Connection(Descriptor socket, ConnectionLimits limits,
                       const std::shared_ptr<ssl_ctx_st>& tls)
    : socket_(std::move(socket)), limits_(limits) {
  PeerName peer = peer_of(socket_.get());
  peer_ = std::move(peer.name);
  local_ = peer.local;
  over_unix_ = peer_.starts_with("unix:");
  stream_ = tls && !over_unix_ ? tls_stream(socket_.get(), tls) : plain_stream(socket_.get());
  if (!over_unix_) {
    const int on = 1;
    (void)::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  // A call that waits comes back so often and looks at the limits.
  const auto often = std::min(limits_.patience, limits_.stranger_idle) / 4;
  const timeval period{.tv_sec = often.count() / 1000, .tv_usec = often.count() % 1000 * 1000};
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &period, sizeof period);
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &period, sizeof period);
}

bool Connection::is_too_slow(SteadyClock::time_point begun, std::size_t bytes_moved) const {
  const auto allowed =
      limits_.patience + std::chrono::seconds(bytes_moved / limits_.bytes_a_second);
  return SteadyClock::now() - begun > allowed;
}

void Connection::open() {
  const auto begun = SteadyClock::now();
  while (!stream_->open()) {
    if (stopped_.load(std::memory_order_relaxed)) {
      throw Error(ErrorKind::kUnavailable, "the server stops");
    }
    if (SteadyClock::now() - begun > limits_.patience) {
      throw Error(ErrorKind::kTimeout, "the TLS handshake took too long");
    }
  }
}

bool Connection::is_peer_gone() const noexcept {
  pollfd state{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

std::optional<std::span<const std::uint8_t>> Connection::receive(Peer peer) {
  // What arrived behind the last message moves to the front.
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
  filled_ -= consumed_;
  consumed_ = 0;
  if (buffer_.size() > kKeptBuffer && filled_ <= kFirstRead) {
    buffer_.resize(kFirstRead);
    buffer_.shrink_to_fit();
  }

  if (!fill(kHeaderSize, peer)) return std::nullopt;
  const std::size_t length = message_length(buffer_);
  if (peer == Peer::kStranger && length > limits_.stranger_message_bytes) {
    throw Error(ErrorKind::kValidation,
                "a message of " + std::to_string(length) + " bytes before anybody logged in");
  }
  if (!fill(length, peer)) return std::nullopt;
  consumed_ = length;
  return std::span<const std::uint8_t>(buffer_).first(length);
}

bool Connection::fill(std::size_t size, Peer peer) {
  const auto begun = SteadyClock::now();
  while (filled_ < size) {
    if (buffer_.size() == filled_) {
      // Grows with what has really arrived: an announced length alone reserves nothing.
      buffer_.resize(std::max(kFirstRead, std::min(size, filled_ * 2)));
    }
    if (stopped_.load(std::memory_order_relaxed)) return false;
    const ssize_t got = stream_->receive(std::span(buffer_).subspan(filled_));
    if (got > 0) {
      filled_ += static_cast<std::size_t>(got);
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
      return false;
    }
    if (filled_ == 0) {
      if (peer == Peer::kStranger && SteadyClock::now() - begun > limits_.stranger_idle) {
        throw Error(ErrorKind::kTimeout, "nobody logged in and nothing was asked");
      }
    } else if (filled_ < size && is_too_slow(begun, filled_)) {
      throw Error(ErrorKind::kTimeout, "a message came too slowly");
    }
  }
  return true;
}

bool Connection::send(const ReplyHeader& header, bson::View document) {
  // Sending reads only; its types cannot say so.
  std::array<iovec, 2> parts = {iovec{const_cast<std::uint8_t*>(header.bytes.data()), header.size},
                                iovec{const_cast<std::uint8_t*>(document.data()), document.size()}};
  std::span<iovec> left(parts);
  const auto begun = SteadyClock::now();
  std::size_t all_sent = 0;
  while (!left.empty()) {
    const ssize_t sent = stream_->send(left);
    const bool waits = sent < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK);
    if (sent < 0 && !waits) return false;
    auto gone = waits ? std::size_t{0} : static_cast<std::size_t>(sent);
    all_sent += gone;
    while (!left.empty() && gone >= left.front().iov_len) {
      gone -= left.front().iov_len;
      left = left.subspan(1);
    }
    if (!left.empty()) {
      left.front().iov_base = static_cast<std::uint8_t*>(left.front().iov_base) + gone;
      left.front().iov_len -= gone;
      if (is_too_slow(begun, all_sent)) return false;
    }
  }
  return true;
}

void Connection::stop_reading() noexcept {
  stopped_.store(true, std::memory_order_relaxed);
  (void)::shutdown(socket_.get(), SHUT_RD);
}

void Connection::cut() noexcept {
  stopped_.store(true, std::memory_order_relaxed);
  (void)::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace gesso::localdb::wire
