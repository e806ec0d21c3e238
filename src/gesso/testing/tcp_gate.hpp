// A TCP proxy of 127.0.0.1 that misbehaves when a test says so.
//
//   TcpGate gate(server.port());
//   ... clients connect to gate.port() ...
//   gate.blackhole();
//
// One thread of its own. Owned by the test; thread-safe; a mode holds for connections that stand
// as well as for new ones, from the moment the call returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

namespace gesso::testing {

class TcpGate {
 public:
  class Impl;

 private:
  std::unique_ptr<Impl> impl_;

 public:
  // Takes a free port and passes everything to `target_port`.
  explicit TcpGate(std::uint16_t target_port);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  [[nodiscard]] std::uint16_t port() const;

  void pass();
  // Ends all connections and accepts none: what a server that is down looks like.
  void refuse();
  // Connections stay open, new ones are accepted, and nothing goes through in either direction.
  // Bytes that were on their way are kept and delivered after `pass()`.
  void blackhole();
  // Every piece is held for so long in each direction.
  void delay(std::chrono::milliseconds duration);
  // Resets all connections that are open; the mode stays.
  void cut();
  // Resets them after so many more bytes went from server to client: in the middle of a reply.
  void cut_after(std::size_t bytes);

  // How many connections are open now.
  [[nodiscard]] std::size_t connections() const;
};

}  // namespace gesso::testing
