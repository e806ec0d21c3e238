// The service while its connection string changes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "gesso/mongo/service.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using bson::make_array;
using bson::make_document;
using testing::Answer;
using testing::ScriptedServer;

constexpr int kUnauthorized = 13;

// A server whose documents say which one it is, and which refuses credentials when told.
class Server {
  std::atomic<bool> refuses_{false};
  std::string name_;
  ScriptedServer server_;

  Answer answer(bson::View command) const {
    const std::string_view name = command.begin()->key;
    if (name == "ping") return Answer::ok();
    if (refuses_) return Answer::error(kUnauthorized, "Unauthorized");
    if (name == "find") {
      const bson::Document found = make_document("_id", 1, "server", name_);
      if (!command.contains("batchSize")) return Answer::batch("test.c", make_array(found));
      return Answer::reply(make_document(
          "cursor",
          make_document("firstBatch", make_array(found), "id", std::int64_t{7}, "ns", "test.c"),
          "ok", 1.0));
    }
    if (name == "update") return Answer::reply(make_document("n", 1, "nModified", 1, "ok", 1.0));
    return Answer::standard();
  }

 public:
  explicit Server(std::string name)
      : name_(std::move(name)),
        server_([this](bson::View command) { return answer(command); },
                make_document("setName", "rs", "isWritablePrimary", true,
                              "logicalSessionTimeoutMinutes", 30)) {}

  void refuse(bool refuses = true) { refuses_ = refuses; }
  [[nodiscard]] std::string address() const { return server_.uri(); }
  [[nodiscard]] Secret uri() const { return Secret(server_.uri() + "?directConnection=true"); }
  [[nodiscard]] std::size_t count(std::string_view command) const {
    return server_.commands(command).size();
  }
  [[nodiscard]] std::size_t connections() const { return server_.connections(); }
};

std::string name_of_server(Session& session) {
  const auto found = session.find_one("c", bson::Document());
  return found ? std::string((*found)["server"].as_string()) : "";
}

class SwitchTest : public ::testing::Test {
 protected:
  World world;
  Server first{"first"};
  Server second{"second"};
  std::atomic<int> renewals{0};
  // What a test does when credentials are refused.
  std::function<bool(std::uint64_t, Deadline)> renew;
  std::unique_ptr<Service> service;

  void SetUp() override {
    ServiceOptions options = short_options("");
    options.uri = first.uri();
    options.warm_minimum = 2;
    options.renew_credentials = [this](std::uint64_t pool_number, Deadline deadline) {
      ++renewals;
      return renew && renew(pool_number, deadline);
    };
    service = std::make_unique<Service>(std::move(options), world.clock, world.random);
    service->connect();
  }

  std::uint64_t switch_to_second() { return service->switch_to(second.uri(), Deadline::after(5s)); }
};

TEST_F(SwitchTest, UnitsThatComeLaterGoToTheNewServer) {
  EXPECT_EQ(service->pool_number(), 1u);
  EXPECT_EQ(service->run(name_of_server), "first");
  EXPECT_EQ(switch_to_second(), 2u);
  EXPECT_EQ(service->pool_number(), 2u);
  EXPECT_EQ(service->run(name_of_server), "second");
  EXPECT_EQ(service->redacted_uri(),
            std::string(second.uri().reveal()).substr(0, 20) + service->redacted_uri().substr(20));
}

TEST_F(SwitchTest, AUnitThatRunsEndsOnTheConnectionItBeganWith) {
  std::latch inside(1);
  std::latch switched(1);
  std::string before;
  std::string after;
  std::jthread unit([&] {
    service->run([&](Session& session) {
      before = name_of_server(session);
      inside.count_down();
      switched.wait();
      after = name_of_server(session);
    });
  });
  inside.wait();
  switch_to_second();
  EXPECT_EQ(service->run(name_of_server), "second");
  switched.count_down();
  unit.join();
  EXPECT_EQ(before, "first");
  EXPECT_EQ(after, "first");
}

TEST_F(SwitchTest, ConnectionsThatIdleLeaveTheOldServerAtOnceAndTheNewOneIsWarm) {
  ASSERT_GT(first.connections(), 0u);
  switch_to_second();
  EXPECT_TRUE(eventually([&] { return first.connections() == 0; }));
  EXPECT_TRUE(eventually([&] { return service->status().open_connections >= 2; }));
}

TEST_F(SwitchTest, AStringThatIsRefusedChangesNothing) {
  second.refuse();
  EXPECT_EQ(error_of([&] { switch_to_second(); }).kind(), ErrorKind::kAuth);
  EXPECT_EQ(error_of([&] {
              service->switch_to(Secret(std::string_view("mongodb://")), Deadline::after(5s));
            }).kind(),
            ErrorKind::kValidation);
  EXPECT_EQ(error_of([&] {
              service->switch_to(Secret(std::string_view("mongodb://127.0.0.1:1/")),
                                 Deadline::after(200ms));
            }).kind(),
            ErrorKind::kTimeout);
  EXPECT_EQ(service->pool_number(), 1u);
  EXPECT_EQ(service->run(name_of_server), "first");
  EXPECT_EQ(renewals, 0) << "a check asks for no other credentials";
}

TEST_F(SwitchTest, ANewServerIsPreparedBeforeAnybodyUsesIt) {
  std::string prepared;
  service->switch_to(second.uri(), Deadline::after(5s), [&](Session& session) {
    prepared = name_of_server(session);
    EXPECT_EQ(service->pool_number(), 1u);
    EXPECT_EQ(service->run(name_of_server), "first");
  });
  EXPECT_EQ(prepared, "second");
  EXPECT_EQ(service->run(name_of_server), "second");
}

TEST_F(SwitchTest, AServerThatCannotBePreparedIsNotUsed) {
  const Error error = error_of([&] {
    service->switch_to(second.uri(), Deadline::after(5s), [](Session&) {
      throw Error(ErrorKind::kConflict, "an index stands otherwise");
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kConflict);
  EXPECT_EQ(service->pool_number(), 1u);
  EXPECT_EQ(service->run(name_of_server), "first");
}

TEST_F(SwitchTest, ARefusedCommandGoesOutOnceMoreWithTheNextCredentials) {
  renew = [this](std::uint64_t pool_number, Deadline) {
    EXPECT_EQ(pool_number, 1u);
    switch_to_second();
    return true;
  };
  first.refuse();
  EXPECT_EQ(service->run(name_of_server), "second");
  EXPECT_EQ(renewals, 1);
}

TEST_F(SwitchTest, ANumberedWriteIsDoneOnceByTheNewServer) {
  renew = [this](std::uint64_t, Deadline) { return switch_to_second() == 2; };
  first.refuse();
  const UpdateResult result = service->run([](Session& session) {
    return session.update_one("c", make_document("_id", 1),
                              make_document("$inc", make_document("n", 1)));
  });
  EXPECT_EQ(result.modified, 1);
  EXPECT_EQ(first.count("update"), 1u);
  EXPECT_EQ(second.count("update"), 1u);
}

TEST_F(SwitchTest, ARefusalWithoutNewCredentialsIsThrown) {
  first.refuse();
  const Error error = error_of([&] { service->run(name_of_server); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth);
  EXPECT_EQ(error.server_code(), kUnauthorized);
  EXPECT_EQ(renewals, 1);
}

TEST_F(SwitchTest, ASlowCommandOutlastsManyRotations) {
  constexpr int kRotations = 10;
  renew = [this](std::uint64_t, Deadline) {
    second.refuse(false);
    service->switch_to(second.uri(), Deadline::after(5s));
    second.refuse(renewals < kRotations);
    return true;
  };
  first.refuse();
  EXPECT_EQ(service->run(name_of_server), "second");
  EXPECT_EQ(renewals, kRotations);
}

TEST_F(SwitchTest, CredentialsThatAreRefusedAgainAndAgainAreRenewedUntilTheDeadline) {
  renew = [this](std::uint64_t, Deadline) {
    second.refuse(false);
    service->switch_to(second.uri(), Deadline::after(5s));
    second.refuse();
    return true;
  };
  first.refuse();
  const Deadline deadline = Deadline::after(500ms);
  const ErrorKind kind = error_of([&] { service->run(deadline, name_of_server); }).kind();
  EXPECT_TRUE(deadline.expired());
  EXPECT_TRUE(kind == ErrorKind::kAuth || kind == ErrorKind::kTimeout) << "in whichever it ended";
}

TEST_F(SwitchTest, WhoeverFindsNewCredentialsInPlaceTakesThem) {
  std::latch inside(1);
  std::latch switched(1);
  std::string answer;
  std::jthread unit([&] {
    service->run([&](Session& session) {
      inside.count_down();
      switched.wait();
      answer = name_of_server(session);
    });
  });
  inside.wait();
  switch_to_second();
  first.refuse();
  switched.count_down();
  unit.join();
  EXPECT_EQ(answer, "second");
  EXPECT_EQ(renewals, 0);
}

TEST_F(SwitchTest, ACursorInItsMiddleIsNotBegunAgain) {
  renew = [this](std::uint64_t, Deadline) { return switch_to_second() == 2; };
  const Error error = error_of([&] {
    service->run([&](Session& session) {
      Cursor cursor = session.find("c", bson::Document(), {.batch_size = 1});
      ASSERT_TRUE(cursor.next());
      first.refuse();
      (void)cursor.next();
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth) << error.what();
  EXPECT_EQ(service->pool_number(), 1u);
}

TEST_F(SwitchTest, ACursorOfBeforeMayEndBesideACommandWithNewCredentials) {
  renew = [this](std::uint64_t, Deadline) { return switch_to_second() == 2; };
  service->run([&](Session& session) {
    Cursor cursor = session.find("c", bson::Document(), {.batch_size = 1});
    ASSERT_TRUE(cursor.next());
    first.refuse();
    EXPECT_EQ(name_of_server(session), "second");
    first.refuse(false);
    EXPECT_THROW((void)cursor.next(), Error);  // the script knows no getMore
  });
  EXPECT_GE(first.count("getMore"), 1u);
}

TEST_F(SwitchTest, ManySwitchesUnderLoadFailNoUnit) {
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::atomic<int> done{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        try {
          (void)service->run(name_of_server);
          ++done;
        } catch (const Error&) {
          ++failures;
        }
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    const int before = done;
    service->switch_to(i % 2 == 0 ? second.uri() : first.uri(), Deadline::after(5s));
    ASSERT_TRUE(eventually([&] { return done > before + 10; }));
  }
  stop = true;
  threads.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(service->pool_number(), 11u);
}

}  // namespace
}  // namespace gesso::mongo
