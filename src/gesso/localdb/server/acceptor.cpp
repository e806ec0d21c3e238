#include "gesso/localdb/server/acceptor.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "gesso/base/error.hpp"

namespace gesso::localdb::wire {

Acceptor::Acceptor(Options options, Serve serve)
    : options_(std::move(options)), serve_(std::move(serve)) {}

Acceptor::~Acceptor() { stop(); }

void Acceptor::listen() {
  std::vector<Descriptor> listeners;
  if (!options_.host.empty()) {
    listeners = listen_tcp(options_.host, options_.port);
    port_ = bound_port(listeners.front());
  }
  if (!options_.unix_socket.empty()) listeners.push_back(listen_unix(options_.unix_socket));
  if (listeners.empty()) {
    throw Error(ErrorKind::kValidation, "localdb needs a Unix socket or an address to listen on");
  }
  listeners_ = std::move(listeners);
}

void Acceptor::start() {
  wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  thread_ = std::thread([this] { accept_loop(); });
}

void Acceptor::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true);
  wake();
  thread_.join();
  listeners_.clear();
  if (!options_.unix_socket.empty()) (void)::unlink(options_.unix_socket.c_str());

  {
    std::unique_lock lock(mutex_);
    for (Entry& entry : entries_) entry.connection->stop_reading();
    const auto all_done = [this] { return std::ranges::all_of(entries_, &Entry::done); };
    if (!ended_.wait_for(lock, options_.grace, all_done)) {
      if (options_.hurry) options_.hurry();
      for (Entry& entry : entries_) entry.connection->cut();
      ended_.wait(lock, all_done);
    }
  }
  reap();
}

void Acceptor::wake() noexcept {
  const std::uint64_t one = 1;
  // It can only fail when the counter is full, and then the other side is awake already.
  (void)!::write(wake_.get(), &one, sizeof one);
}

void Acceptor::accept_loop() {
  std::vector<pollfd> waiting;
  for (const Descriptor& listener : listeners_) waiting.push_back({listener.get(), POLLIN, 0});
  waiting.push_back({wake_.get(), POLLIN, 0});
  while (!stopping_.load()) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;  // EINTR
    if (waiting.back().revents != 0) {
      std::uint64_t count = 0;
      (void)!::read(wake_.get(), &count, sizeof count);
    }
    reap();
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      if (waiting[i].revents != 0) accept_one(listeners_[i]);
    }
  }
}

void Acceptor::accept_one(const Descriptor& listener) {
  Descriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket.get() < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      spdlog::error("localdb: cannot accept a connection: {}",
                    std::generic_category().message(errno));
      // The connection stays in the backlog: wait for a descriptor instead of spinning on it.
      pollfd waiting{wake_.get(), POLLIN, 0};
      (void)::poll(&waiting, 1, 100);
    }
    return;
  }
  if (open_connections() >= options_.max_connections) {
    spdlog::warn("localdb: refused a connection, {} are open", options_.max_connections);
    return;
  }
  try {
    add(std::move(socket));
  } catch (const std::exception& error) {  // no thread to be had
    spdlog::error("localdb: cannot serve a connection: {}", error.what());
  }
}

void Acceptor::add(Descriptor socket) {
  auto connection = std::make_unique<Connection>(std::move(socket), options_.limits, options_.tls);
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.emplace_back();
  entry.connection = std::move(connection);
  open_.fetch_add(1, std::memory_order_relaxed);
  try {
    entry.thread = std::thread([this, &entry, served = entry.connection.get()] {
      serve_(*served);
      served->cut();  // the peer sees the end now, not when the entry is reaped
      open_.fetch_sub(1, std::memory_order_relaxed);
      {
        const std::lock_guard guard(mutex_);
        entry.done = true;
        ended_.notify_all();
      }
      wake();
    });
  } catch (...) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    entries_.pop_back();
    throw;
  }
}

void Acceptor::reap() {
  std::list<Entry> finished;
  {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      const auto next = std::next(entry);
      if (entry->done) finished.splice(finished.end(), entries_, entry);
      entry = next;
    }
  }
  for (Entry& entry : finished) entry.thread.join();
}

}  // namespace gesso::localdb::wire
