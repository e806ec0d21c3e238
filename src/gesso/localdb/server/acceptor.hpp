// Accepts connections and serves each on a thread of its own.
//
// A thread a connection is the simplest thing that is right: the drivers' pools hold tens of
// connections, and a blocking read costs one system call where an event loop costs two.
//
// Owned by the server. `listen`, `start` and `stop` are called by one thread; `stop` (or the
// destructor) returns when no thread of it is left.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gesso/localdb/server/socket.hpp"

namespace gesso::localdb::wire {

class Acceptor {
 public:
  struct Options {
    std::string unix_socket = {};  // "" for none
    std::string host = {};         // "" for no TCP
    std::uint16_t port = 0;        // 0 takes a free one
    std::size_t max_connections = 1024;
    ConnectionLimits limits = {};
    std::shared_ptr<ssl_ctx_st> tls = {};  // for TCP; none: plain
    // How long `stop` waits for commands that run and replies that nobody takes, before it calls
    // `hurry` and cuts the connections.
    std::chrono::milliseconds grace{1000};
    std::function<void()> hurry = {};
  };
  // Runs on the connection's thread until the connection is to be closed. Must not throw.
  using Serve = std::function<void(Connection&)>;

 private:
  struct Entry {
    std::unique_ptr<Connection> connection;
    std::thread thread;
    bool done = false;
  };

  Options options_;
  Serve serve_;
  std::vector<Descriptor> listeners_;
  std::uint16_t port_ = 0;
  Descriptor wake_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> open_ = 0;
  // Guards entries_ and what is in them but the connections; held while `stop` calls `hurry`.
  std::mutex mutex_;
  std::condition_variable ended_;
  std::list<Entry> entries_;

 public:
  Acceptor(Options options, Serve serve);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Binds: from now on clients may connect, and wait, and `port` says where. Throws Error as
  // `listen_unix` and `listen_tcp` do; nothing is left listening then.
  void listen();
  // Serves them. REQUIRES: it listens.
  void start();
  void stop();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::size_t open_connections() const noexcept {
    return open_.load(std::memory_order_relaxed);
  }

 private:
  void accept_loop();
  void accept_one(const Descriptor& listener);
  void add(Descriptor socket);
  void reap();
  void wake() noexcept;
};

}  // namespace gesso::localdb::wire
