// A connection to a server of this process, past libmongoc and its sockets: a command goes there
// and its reply comes back as messages of the wire protocol, on the caller's thread. What libmongoc
// does around a command (choosing a server, a session, copies) costs more than the server needs to
// answer one; docs/architecture.md has the measurement. Internal to mongo/.
//
// Used by one thread at a time. Opens when it is first used, and again after it was lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"
#include "gesso/mongo/detail/driver.hpp"
#include "gesso/mongo/detail/endpoint.hpp"
#include "gesso/mongo/local_connection.hpp"

namespace gesso::mongo::detail {

class LocalChannel {
  Shared& shared_;
  LocalConnection connection_;  // empty while there is none
  std::vector<std::uint8_t> message_;

 public:
  // `shared` outlives it, and has a way to open one.
  explicit LocalChannel(Shared& shared) : shared_(shared) {}
  LocalChannel(const LocalChannel&) = delete;
  LocalChannel& operator=(const LocalChannel&) = delete;
  ~LocalChannel() { close(); }

  [[nodiscard]] bool is_open() const { return connection_ != nullptr; }

  // Runs a command on a database. `reply` borrows the server's bytes until the next call. False
  // where the server refused, or the connection was lost: `error` says so as libmongoc would.
  [[nodiscard]] bool run(std::string_view database, bson::View command, Reply& reply,
                         bson_error_t& error);

 private:
  void close();
  // Throws what the server throws, and Error (kUnavailable) for an answer that is none.
  [[nodiscard]] bson::View exchange(std::string_view database, bson::View command);
  void tell(bson::View command, std::chrono::steady_clock::time_point began,
            bool ok) const noexcept;
};

}  // namespace gesso::mongo::detail
