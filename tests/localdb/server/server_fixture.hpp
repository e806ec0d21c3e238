// A server on a Unix socket in a folder of its own, and a client of it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "gesso/localdb/localdb.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/localdb/server/test_client.hpp"

namespace gesso::localdb {

class ServerTest : public ::testing::Test {
 protected:
  gesso::testing::TempDir folder_;
  std::unique_ptr<Server> server_;

  // Ends the one before.
  void start(ServerOptions options) {
    server_.reset();
    options.data_dir = folder_ / "data";
    if (options.unix_socket.empty()) options.unix_socket = socket();
    options.ttl_period = std::chrono::milliseconds{0};
    server_ = std::make_unique<Server>(std::move(options));
    server_->start();
  }
  [[nodiscard]] std::string socket() const { return (folder_ / "s").string(); }
  [[nodiscard]] TestClient client() const { return TestClient::over_unix(socket()); }

  static std::string json(bson::View document) { return bson::to_json(document); }
  static int code_of(bson::View reply) {
    return static_cast<int>(reply["code"].integer().value_or(0));
  }
  static bool is_ok(bson::View reply) { return reply["ok"].number() == 1; }
};

// With a client on a running server from the start.
class CommandTest : public ServerTest {
 protected:
  CommandTest() : client_((start({.test_commands = true}), client())) {}

  TestClient client_;

  bson::Document run(const std::string& command, std::string_view db = "test") {
    return client_.run(command, db);
  }
  // Of a command that must succeed.
  bson::Document good(const std::string& command, std::string_view db = "test") {
    bson::Document reply = client_.run(command, db);
    EXPECT_TRUE(is_ok(reply)) << command << "\n" << json(reply);
    return reply;
  }
  int code(const std::string& command, std::string_view db = "test") {
    return code_of(client_.run(command, db));
  }
  // The first batch as JSON.
  std::string found(const std::string& command) {
    const bson::Document reply = good(command);
    return bson::to_json(reply.view().at_path("cursor.firstBatch"));
  }
};

}  // namespace gesso::localdb
