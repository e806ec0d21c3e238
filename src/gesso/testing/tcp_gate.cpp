#include "gesso/testing/tcp_gate.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "gesso/testing/socket.hpp"

namespace gesso::testing {
namespace {

using SteadyClock = std::chrono::steady_clock;

enum class Mode { kPass, kRefuse, kBlackhole };

struct Piece {
  SteadyClock::time_point due;
  std::vector<std::uint8_t> bytes;
};

// One direction of a connection.
struct Flow {
  std::deque<Piece> pieces;
  bool ended = false;  // the source has no more
};

struct Connection {
  Socket client;
  Socket server;
  Flow up;    // client to server
  Flow down;  // server to client
  bool broken = false;
};

constexpr std::size_t kMaxBuffered = std::size_t{1} << 24;

}  // namespace

class TcpGate::Impl {
  std::uint16_t target_port_;
  Socket listener_;
  std::uint16_t port_;
  Socket wake_;               // an eventfd
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable applied_;
  std::uint64_t asked_ = 0;
  std::uint64_t done_ = 0;
  bool stopping_ = false;
  bool cutting_ = false;
  Mode mode_ = Mode::kPass;
  std::chrono::milliseconds delay_{0};
  std::optional<std::size_t> cut_after_;
  std::list<Connection> connections_;
  std::jthread thread_;

  static void reset(Connection& connection) {
    connection.client.reset_on_close();
    connection.server.reset_on_close();
    connection.broken = true;
  }

  // Takes what a source has to give.
  void receive(const Socket& from, Flow& flow, Connection& connection) {
    std::array<std::uint8_t, 65536> buffer;
    const ssize_t got = ::recv(from.fd(), buffer.data(), buffer.size(), 0);
    if (got < 0) {
      if (errno != EAGAIN && errno != EINTR) reset(connection);
      return;
    }
    if (got == 0) {
      flow.ended = true;
      return;
    }
    flow.pieces.push_back(
        {.due = SteadyClock::now() + delay_, .bytes = {buffer.begin(), buffer.begin() + got}});
  }

  // Gives a sink what is due.
  void send(const Socket& to, Flow& flow, Connection& connection, bool counts) {
    const auto now = SteadyClock::now();
    while (!flow.pieces.empty() && flow.pieces.front().due <= now) {
      Piece& piece = flow.pieces.front();
      std::size_t wanted = piece.bytes.size();
      if (counts && cut_after_) wanted = std::min(wanted, *cut_after_);
      const ssize_t put = ::send(to.fd(), piece.bytes.data(), wanted, MSG_NOSIGNAL);
      if (put < 0) {
        if (errno != EAGAIN && errno != EINTR) reset(connection);
        return;
      }
      piece.bytes.erase(piece.bytes.begin(), piece.bytes.begin() + put);
      if (piece.bytes.empty()) flow.pieces.pop_front();
      if (counts && cut_after_ && (*cut_after_ -= static_cast<std::size_t>(put)) == 0) {
        cut_after_.reset();
        for (Connection& one : connections_) reset(one);
        return;
      }
    }
    if (flow.ended && flow.pieces.empty()) ::shutdown(to.fd(), SHUT_WR);
  }

  void accept() {
    Socket client = listener_.accept();
    if (!client) return;
    Socket server = Socket::connect(target_port_);
    if (!server) {
      client.reset_on_close();
      return;
    }
    client.set_nonblocking();
    server.set_nonblocking();
    Connection& connection = connections_.emplace_back();
    connection.client = std::move(client);
    connection.server = std::move(server);
  }

  void apply() {
    if (cutting_ || mode_ == Mode::kRefuse) {
      for (Connection& one : connections_) reset(one);
    }
    cutting_ = false;
    connections_.remove_if([](const Connection& one) { return one.broken; });
    // A closed listener refuses; opening it again on the same port is allowed by SO_REUSEADDR.
    if (mode_ == Mode::kRefuse) {
      listener_ = Socket();
    } else if (!listener_) {
      listener_ = Socket::listen(port_);
    }
    done_ = asked_;
    applied_.notify_all();
  }

  static short wanted_of(const Flow& in, const Flow& out, SteadyClock::time_point now) {
    std::size_t buffered = 0;
    for (const Piece& piece : in.pieces) buffered += piece.bytes.size();
    short events = 0;
    if (!in.ended && buffered < kMaxBuffered) events |= POLLIN;
    if (!out.pieces.empty() && out.pieces.front().due <= now) events |= POLLOUT;
    return events;
  }

  void run() {
    std::unique_lock lock(mutex_);
    std::vector<pollfd> polled;
    while (!stopping_) {
      apply();
      polled.assign({{.fd = wake_.fd(), .events = POLLIN, .revents = 0},
                     {.fd = listener_ ? listener_.fd() : -1, .events = POLLIN, .revents = 0}});
      const auto now = SteadyClock::now();
      int timeout = -1;
      if (mode_ == Mode::kPass) {
        for (const Connection& one : connections_) {
          polled.push_back({one.client.fd(), wanted_of(one.up, one.down, now), 0});
          polled.push_back({one.server.fd(), wanted_of(one.down, one.up, now), 0});
          for (const Flow* flow : {&one.up, &one.down}) {
            if (flow->pieces.empty() || flow->pieces.front().due <= now) continue;
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(flow->pieces.front().due - now);
            const int wait = static_cast<int>(left.count());
            timeout = timeout < 0 ? wait : std::min(timeout, wait);
          }
        }
      }
      lock.unlock();
      ::poll(polled.data(), polled.size(), timeout);
      lock.lock();
      if (polled[0].revents != 0) {
        std::uint64_t count = 0;
        (void)!::read(wake_.fd(), &count, sizeof count);
        continue;  // the mode may have changed: nothing of the old one goes through
      }
      // While polled, only this thread touches the connections.
      std::size_t at = 2;
      if (mode_ == Mode::kPass) {
        for (Connection& one : connections_) {
          const short client = polled[at++].revents;
          const short server = polled[at++].revents;
          if ((client & (POLLIN | POLLHUP | POLLERR)) != 0) receive(one.client, one.up, one);
          if ((server & (POLLIN | POLLHUP | POLLERR)) != 0) receive(one.server, one.down, one);
          if (!one.broken) send(one.server, one.up, one, false);
          if (!one.broken) send(one.client, one.down, one, true);
          if (one.up.ended && one.down.ended && one.up.pieces.empty() && one.down.pieces.empty()) {
            one.broken = true;
          }
        }
      }
      if ((polled[1].revents & POLLIN) != 0) accept();
    }
  }

  template <class F>
  void change(F&& how) {
    std::unique_lock lock(mutex_);
    how();
    const std::uint64_t mine = ++asked_;
    wake();
    applied_.wait(lock, [&] { return done_ >= mine; });
  }

  void wake() const {
    const std::uint64_t one = 1;
    (void)!::write(wake_.fd(), &one, sizeof one);
  }

 public:
  explicit Impl(std::uint16_t target_port)
      : target_port_(target_port),
        listener_(Socket::listen(0)),
        port_(listener_.port()),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        thread_([this] { run(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      wake();
    }
    thread_.join();
  }

  std::uint16_t port() const { return port_; }

  void set(Mode mode, std::chrono::milliseconds delay) {
    change([&] {
      mode_ = mode;
      delay_ = delay;
    });
  }
  void cut() {
    change([&] { cutting_ = true; });
  }
  void cut_after(std::size_t bytes) {
    change([&] { cut_after_ = bytes; });
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }
};

TcpGate::TcpGate(std::uint16_t target_port) : impl_(std::make_unique<Impl>(target_port)) {}
TcpGate::~TcpGate() = default;

std::uint16_t TcpGate::port() const { return impl_->port(); }
void TcpGate::pass() { impl_->set(Mode::kPass, {}); }
void TcpGate::refuse() { impl_->set(Mode::kRefuse, {}); }
void TcpGate::blackhole() { impl_->set(Mode::kBlackhole, {}); }
void TcpGate::delay(std::chrono::milliseconds duration) { impl_->set(Mode::kPass, duration); }
void TcpGate::cut() { impl_->cut(); }
void TcpGate::cut_after(std::size_t bytes) { impl_->cut_after(bytes); }
std::size_t TcpGate::connections() const { return impl_->connections(); }

}  // namespace gesso::testing
