// The service on a server of its own process, without a socket.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>
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
  localdb::Server server{{.data_dir = dir / "data",
                          .listen_host = "127.0.0.1",
                          .listen_port = 0,
                          .test_commands = true}};
  std::atomic<int> opened{0};
  std::atomic<int> messages{0};
  // Throw, where they are set. Set between two units.
  std::function<void()> does_not_open;
  std::function<void()> broken;
  // Told of the units' commands.
  std::mutex timed_mutex;  // guards the next
  std::vector<std::pair<std::string, bool>> timed;
  std::unique_ptr<Service> service;

  void SetUp() override {
    server.start();
    serve(4);
  }

  ServiceOptions options_for(std::size_t pool_size) {
    ServiceOptions options = short_options(server.uri());
    options.pool_size = pool_size;
    options.connect_timeout = std::chrono::seconds{20};  // of no interest here
    options.server_selection_timeout = std::chrono::seconds{20};
    options.default_deadline = std::chrono::seconds{60};
    options.time_command = [this](std::string_view name, std::chrono::microseconds, bool ok) {
      const std::lock_guard lock(timed_mutex);
      timed.emplace_back(name, ok);
    };
    options.open_local = [this]() -> LocalConnection {
      ++opened;
      if (does_not_open) does_not_open();
      return [this, connection = server.connect()](Message message) {
        if (broken) broken();
        ++messages;
        return connection(message);
      };
    };
    return options;
  }

  void serve(std::size_t pool_size) { serve(options_for(pool_size)); }
  void serve(ServiceOptions options) {
    service = std::make_unique<Service>(std::move(options), world.clock, world.random);
    service->connect();
  }

  // How often commands of that name have come back.
  int count_timed(std::string_view name, bool ok) {
    const std::lock_guard lock(timed_mutex);
    return static_cast<int>(std::ranges::count(timed, std::pair(std::string(name), ok)));
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
  EXPECT_EQ(count_timed("getMore", true), 250 / 7);
}

TEST_F(LocalConnectionTest, ACursorThatIsLeftEarlyIsClosed) {
  service->run([](Session& session) {
    for (int i = 0; i < 20; ++i) session.insert_one("c", make_document("_id", i));
    Cursor cursor = session.find("c", bson::Document(), {.batch_size = 2});
    EXPECT_TRUE(cursor.next());
    Cursor moved = std::move(cursor);
    EXPECT_TRUE(moved.next());
  });
  EXPECT_EQ(count_timed("killCursors", true), 1);
}

TEST_F(LocalConnectionTest, AggregatesAndCounts) {
  service->run([](Session& session) {
    for (int i = 0; i < 150; ++i)
      session.insert_one("c", make_document("_id", i, "even", i % 2 == 0));
    Cursor cursor = session.aggregate(
        "c", bson::Array(bson::make_array(make_document("$match", make_document("even", true)))));
    int seen = 0;
    while (cursor.next()) ++seen;
    EXPECT_EQ(seen, 75);
    EXPECT_EQ(session.count("c", make_document("even", true)), 75);
  });
}

TEST_F(LocalConnectionTest, ARefusalIsAsFromAnyServer) {
  service->run([](Session& session) { session.insert_one("c", make_document("_id", 1)); });
  const Error taken = error_of([&] {
    service->run([](Session& session) { session.insert_one("c", make_document("_id", 1)); });
  });
  EXPECT_EQ(taken.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(taken.ns(), "test.c");
  EXPECT_EQ(taken.server_code(), 11000);
  const Error unknown = error_of([&] {
    service->run([](Session& session) { (void)session.run_command(make_document("noSuch", 1)); });
  });
  EXPECT_EQ(unknown.server_code(), 59) << unknown.what();
  EXPECT_EQ(count_timed("noSuch", false), 1);
}

TEST_F(LocalConnectionTest, AConcernThatWasNotMetIsAnErrorOfTheWrite) {
  service->run([](Session& session) {
    (void)session.run_command(
        "admin", make_document(
                     "configureFailPoint", "failCommand", "mode", make_document("times", 1), "data",
                     make_document("failCommands", bson::make_array("insert"), "writeConcernError",
                                   make_document("code", 64, "errmsg", "waited in vain"))));
  });
  const Error error = error_of([&] {
    service->run([](Session& session) { session.insert_one("c", make_document("_id", 1)); });
  });
  EXPECT_EQ(error.server_code(), 64) << error.what();
}

TEST_F(LocalConnectionTest, RunsAShortUnitOnItsCallersThread) {
  const auto here = std::this_thread::get_id();
  bool ran = false;
  EXPECT_TRUE(service->run_here(Deadline::after(std::chrono::seconds{5}), [&](Session& session) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    ran = !session.find_one("c", make_document("_id", 1)).has_value();
  }));
  EXPECT_TRUE(ran);
  service->stop();
  EXPECT_FALSE(
      service->run_here(Deadline::after(std::chrono::seconds{5}), [](Session&) { FAIL(); }));
}

// Callers' connections are none of the pool's, however many there are at once.
TEST_F(LocalConnectionTest, UnitsOfCallersTakeNothingFromTheWorkers) {
  serve(1);
  const int before = opened;
  const auto soon = [] { return Deadline::after(std::chrono::seconds{5}); };
  const std::function<void(int)> nest = [&](int depth) {
    if (depth == 0) {
      service->run([](Session& session) { session.insert_one("c", make_document("_id", 1)); });
      return;
    }
    EXPECT_TRUE(service->run_here(soon(), [&](Session& session) {
      EXPECT_FALSE(session.find_one("c", make_document("_id", 1)));
      nest(depth - 1);
    }));
  };
  nest(8);
  EXPECT_EQ(opened - before, 1 + 8);  // of the worker, and of the callers
}

// What the server said first is gone with its connection.
TEST_F(LocalConnectionTest, AConnectionThatIsLostAfterARefusalIsOneUnavailable) {
  service->run([](Session& session) {
    (void)session.run_command(
        "admin",
        make_document(
            "configureFailPoint", "failCommand", "mode", make_document("times", 1), "data",
            make_document("failCommands", bson::make_array("insert"), "errorCode", 16500)));
  });
  const int before = messages;
  broken = [this, before] {
    if (messages > before) throw Error(ErrorKind::kUnavailable, "broken by the test");
  };
  const Error error = error_of([&] {
    service->run([](Session& session) { session.insert_one("c", make_document("_id", 1)); });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable) << error.what();
  EXPECT_EQ(messages, before + 1);
}

TEST_F(LocalConnectionTest, RunsNothingOnItsCallersThreadWhereTheServerIsElsewhere) {
  ServiceOptions options = options_for(1);
  options.open_local = {};
  serve(std::move(options));
  EXPECT_FALSE(
      service->run_here(Deadline::after(std::chrono::seconds{5}), [](Session&) { FAIL(); }));
}

// With one server that does both at once, and as with one that does not.
class UpdateThenInsertTest : public LocalConnectionTest,
                             public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    server.start();
    ServiceOptions options = options_for(4);
    options.joins_writes = GetParam();
    serve(std::move(options));
    service->run([](Session& session) {
      session.insert_one("payers", make_document("_id", 1, "credits", 3));
    });
  }

  bool pay(int credits, int id) {
    return service->run([&](Session& session) {
      return session.update_then_insert(
          {.collection = "payers",
           .filter = make_document("_id", 1, "credits", make_document("$gte", credits)),
           .update = make_document("$inc", make_document("credits", -credits)),
           .into = "bought",
           .document = make_document("_id", id)});
    });
  }
  std::int64_t credits() {
    return service->run([](Session& session) {
      return session.find_one("payers", make_document("_id", 1))
          .value()["credits"]
          .integer()
          .value();
    });
  }
  std::int64_t bought() {
    return service->run([](Session& session) { return session.count("bought", bson::Document()); });
  }
};
INSTANTIATE_TEST_SUITE_P(EachWay, UpdateThenInsertTest, ::testing::Bool(),
                         [](const auto& joins) { return joins.param ? "Joined" : "Separate"; });

TEST_P(UpdateThenInsertTest, DoesBothWhereTheUpdateMatches) {
  EXPECT_TRUE(pay(2, 7));
  EXPECT_EQ(credits(), 1);
  EXPECT_EQ(bought(), 1);
}

TEST_P(UpdateThenInsertTest, DoesNothingWhereItDoesNot) {
  EXPECT_FALSE(pay(4, 7));
  EXPECT_EQ(credits(), 3);
  EXPECT_EQ(bought(), 0);
}

TEST_P(UpdateThenInsertTest, KeepsTheUpdateWhereTheInsertIsRefused) {
  EXPECT_TRUE(pay(1, 7));
  const Error error = error_of([&] { (void)pay(1, 7); });
  EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
  EXPECT_EQ(error.ns(), "test.bought");
  EXPECT_EQ(error.field(), "_id");
  EXPECT_EQ(credits(), 1);
  EXPECT_EQ(bought(), 1);
}

TEST_P(UpdateThenInsertTest, IsOneCommandWhereItIsJoined) {
  const int before = messages;
  EXPECT_TRUE(pay(1, 7));
  EXPECT_EQ(messages - before, GetParam() ? 1 : 2);
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

TEST_F(LocalConnectionTest, WhateverTheServerThrowsIsAnError) {
  serve(1);  // whose only worker has the only connection
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
