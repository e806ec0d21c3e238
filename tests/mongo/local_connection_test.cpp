// The service on a server of its own process, without a socket.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "gesso/localdb/localdb.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using bson::make_document;
using Message = std::span<const std::uint8_t>;

class LocalConnectionTest : public ::testing::Test {
 protected:
  World world;
  testing::TempDir dir;
  localdb::Server server{{.data_dir = dir / "data", .listen_host = "127.0.0.1", .listen_port = 0}};
  std::atomic<int> opened{0};
  std::atomic<int> messages{0};
  // Throw, where they are set. Set between two units.
  std::function<void()> does_not_open;
  std::function<void()> broken;
  std::unique_ptr<Service> service;

  void SetUp() override {
    server.start();
    ServiceOptions options = short_options(server.uri());
    options.open_local = [this]() -> LocalConnection {
      ++opened;
      if (does_not_open) does_not_open();
      return [this, connection = server.connect()](Message message) {
        if (broken) broken();
        ++messages;
        return connection(message);
      };
    };
    service = std::make_unique<Service>(std::move(options), world.clock, world.random);
    service->connect();
  }
};

TEST_F(LocalConnectionTest, CarriesEveryCommandOfAUnit) {
  const int before = messages;
  service->run([](Session& session) {
    session.insert_one("c", make_document("_id", 1, "n", 1));
    session.update_one("c", make_document("_id", 1), make_document("$inc", make_document("n", 1)));
    EXPECT_EQ(session.find_one("c", make_document("_id", 1)).value()["n"].integer(), 2);
  });
  EXPECT_GE(messages - before, 3);
  EXPECT_EQ(service->dialect(), Dialect::kLocalDb);
}

TEST_F(LocalConnectionTest, CarriesDocumentsOfEverySize) {
  for (const std::size_t size : {1U, 1U << 10, 1U << 20, 15U << 20}) {
    const std::string text(size, 'x');
    service->run([&](Session& session) {
      session.insert_one("c", make_document("_id", text.substr(0, 40), "text", text));
      const auto found = session.find_one("c", make_document("_id", text.substr(0, 40)));
      EXPECT_EQ(found.value()["text"].as_string(), text);
      session.delete_one("c", make_document("_id", text.substr(0, 40)));
    });
  }
}

TEST_F(LocalConnectionTest, ACursorFetchesItsBatches) {
  service->run([](Session& session) {
    for (int i = 0; i < 250; ++i) session.insert_one("c", make_document("_id", i));
    int seen = 0;
    Cursor cursor = session.find("c", bson::Document(), {.batch_size = 7});
    while (cursor.next()) ++seen;
    EXPECT_EQ(seen, 250);
  });
}

TEST_F(LocalConnectionTest, OneThatBreaksIsOneUnavailableForAWriteAndThePoolHeals) {
  service->run([](Session& session) { session.insert_one("c", make_document("_id", 1)); });
  broken = [] { throw Error(ErrorKind::kUnavailable, "broken by the test"); };
  const Error error = error_of([&] {
    service->run([&](Session& session) {
      session.update_many("c", bson::Document(), make_document("$set", make_document("n", 1)));
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable) << error.what();
  const int before = opened;
  broken = nullptr;
  EXPECT_TRUE(service->run(
      [](Session& session) { return session.find_one("c", make_document("_id", 1)); }));
  EXPECT_GT(opened, before);
}

// libmongoc, which is C, stands between what throws and who asked.
TEST_F(LocalConnectionTest, WhateverIsThrownBelowTheDriverIsAnErrorAboveIt) {
  const std::function<void()> kinds[] = {[] { throw Error(ErrorKind::kInternal, "an error"); },
                                         [] { throw std::bad_alloc(); }, [] { throw 42; }};
  const auto ask = [&] {
    return error_of([&] {
      service->run(Deadline::after(std::chrono::milliseconds{500}),
                   [](Session& session) { session.insert_one("c", make_document("_id", 1)); });
    });
  };
  for (const auto& kind : kinds) {
    broken = kind;  // which ends the connection
    EXPECT_EQ(ask().kind(), ErrorKind::kUnavailable) << ask().what();
    broken = nullptr;
    does_not_open = kind;
    const int before = opened;
    EXPECT_THAT(ask().kind(), ::testing::AnyOf(ErrorKind::kUnavailable, ErrorKind::kTimeout));
    EXPECT_GT(opened, before);
    does_not_open = nullptr;
    EXPECT_FALSE(service->run(
        [](Session& session) { return session.find_one("c", make_document("_id", 1)); }));
  }
}

TEST_F(LocalConnectionTest, ManyThreadsHaveOneEach) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 50; ++n) {
        service->run(
            [&](Session& session) { session.insert_one("c", make_document("_id", i * 1000 + n)); });
      }
    });
  }
  threads.clear();
  EXPECT_EQ(service->run([](Session& session) { return session.count("c", bson::Document()); }),
            200);
}

TEST_F(LocalConnectionTest, AMalformedMessageIsRefusedWithItsReason) {
  const localdb::Server::Connection connection = server.connect();
  const std::vector<std::uint8_t> bytes(20, 0xFF);
  EXPECT_THROW((void)connection(bytes), Error);
}

}  // namespace
}  // namespace gesso::mongo
