// A database whose answers get lost: it does what it is told, and the connection breaks before
// anybody hears of it. Nor does the driver send a write again by itself, or the server do two in
// one, as on Cosmos DB.
//
// Owned by the test. `lose` is called on the workers' threads; it is set while none is busy.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gesso/base/error.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/text.hpp"
#include "gesso/localdb/localdb.hpp"
#include "gesso/mongo/indexes.hpp"
#include "gesso/mongo/service.hpp"
#include "gesso/repositories/indexes.hpp"
#include "gesso/testing/temp_dir.hpp"

namespace gesso::repositories {

class LossyDatabase {
  testing::TempDir folder_;
  SystemClock clock_;
  SystemRandom random_;
  localdb::Server server_;
  mongo::Service service_;

  mongo::ServiceOptions options() {
    mongo::ServiceOptions options;
    const std::string uri = server_.uri();
    const std::string_view separator = uri.find('?') == std::string::npos ? "?" : "&";
    options.uri = Secret(uri + std::string(separator) + "retryWrites=false");
    options.database = "lossy";
    options.pool_size = 8;
    options.warm_minimum = 0;
    options.connect_attempts = 1;
    options.joins_writes = false;
    options.open_local = [this]() -> mongo::LocalConnection {
      return [this, connection = server_.connect()](std::span<const std::uint8_t> message) {
        const auto answer = connection(message);
        if (lose && lose(as_text(message))) throw Error(ErrorKind::kUnavailable, "lost");
        return answer;
      };
    };
    return options;
  }

 public:
  // Whether the answer to a message gets lost.
  std::function<bool(std::string_view message)> lose;

  LossyDatabase()
      : server_({.data_dir = folder_ / "data", .unix_socket = folder_ / "lossy.sock"}),
        service_(options(), clock_, random_) {
    server_.start();
    service_.connect();
    service_.run(
        [](mongo::Session& session) { (void)mongo::create_indexes(session, declared_indexes()); });
  }
  ~LossyDatabase() { service_.stop(); }

  [[nodiscard]] mongo::Service& service() { return service_; }

  // Loses the answer to the next command of that name.
  void lose_next(const std::string& command) {
    lose = [command, left = std::make_shared<std::atomic<int>>(1)](std::string_view message) {
      return message.find(command) != std::string_view::npos && left->fetch_sub(1) > 0;
    };
  }
};

}  // namespace gesso::repositories
