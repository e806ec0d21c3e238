// Whether the connection of one client is logged in by a token, and logging it in. Internal to
// mongo/.
//
// Used by one thread at a time; part of a client.
#pragma once

#include <cstdint>

#include "gesso/base/clock.hpp"
#include "gesso/base/deadline.hpp"
#include "gesso/mongo/detail/deadline_stream.hpp"
#include "gesso/mongo/detail/driver.hpp"
#include "gesso/mongo/token_login.hpp"

namespace gesso::mongo::detail {

class ConnectionLogin {
  std::uint64_t opened_ = 0;  // how many connections the client had opened when it logged in
  Time due_{};                // when to log in anew, before the token ends
  TokenWish wish_ = TokenWish::kAny;

 public:
  // Whether the client's connection has to log in before a command.
  [[nodiscard]] bool is_due(const StreamLimits& limits, Time now) const {
    return opened_ != limits.opened || limits.open == 0 || now >= due_;
  }
  // The server refused a command for its credentials: it is due, with a fresh token where the
  // server said that the one before had ended.
  void refused(int code);

  // Runs the command that logs in, with a token of `source`; where the server refuses that, with a
  // fresh one. False where the command did not get through, with the driver's reason. Throws Error:
  // kAuth where the server refuses both, or what the source throws.
  [[nodiscard]] bool run(StreamLimits& limits, const TokenLogin& login, const TokenSource& source,
                         Time now, bson_error_t& error);
};

}  // namespace gesso::mongo::detail
