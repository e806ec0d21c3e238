// A client of libmongoc, with what belongs to it and must end before it; or, where the server is in
// this process, the way to that, and none of libmongoc's. Internal to mongo/.
//
// Used by one thread at a time. Its connections are closed when it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/mongo/detail/connection_login.hpp"
#include "gesso/mongo/detail/deadline_stream.hpp"
#include "gesso/mongo/detail/driver.hpp"
#include "gesso/mongo/detail/endpoint.hpp"
#include "gesso/mongo/detail/local_channel.hpp"

namespace gesso::mongo::detail {

class Client {
  std::shared_ptr<Endpoint> endpoint_;
  const std::string& database_;
  StreamLimits limits_;
  ConnectionLogin login_;
  std::map<std::string, CollectionPtr, std::less<>> collections_;
  // Numbers single writes. libmongoc would number some of them itself (insert_one and the like),
  // but puts maxTimeMS where the server refuses it, and waits for a server without regard to the
  // deadline; so its retryWrites is off and the session is ours.
  SessionPtr writes_;
  std::optional<LocalChannel> local_;

 public:
  // `shared` outlives it.
  Client(std::shared_ptr<Endpoint> endpoint, Shared& shared);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // Closed, not pushed back to its pool: the streams borrow the limits.
  ~Client();

  [[nodiscard]] Endpoint& endpoint() const { return *endpoint_; }
  [[nodiscard]] StreamLimits& limits() { return limits_; }
  [[nodiscard]] ConnectionLogin& login() { return login_; }
  // REQUIRES of this and of what follows, up to `drop_write_session`: it is not `local`.
  [[nodiscard]] mongoc_client_t* get() const { return limits_.client; }
  // The way to a server of this process; nullptr where the server is another process.
  [[nodiscard]] LocalChannel* local() { return local_ ? &*local_ : nullptr; }
  [[nodiscard]] bool is_connected() const { return local_ ? local_->is_open() : limits_.open > 0; }
  // A handle on a collection of the service's database, kept for the client's life.
  [[nodiscard]] mongoc_collection_t* collection(std::string_view name);
  // Names the session that numbers writes in a command's options; makes it. False without one.
  [[nodiscard]] bool append_write_session(bson_t& options);
  // The next one is new.
  void drop_write_session() { writes_.reset(); }
};

}  // namespace gesso::mongo::detail
