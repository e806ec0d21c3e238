#include "gesso/mongo/service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>

#include "gesso/testing/tcp_gate.hpp"
#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using bson::make_array;
using bson::make_document;
using testing::Answer;
using testing::ScriptedServer;
using testing::TcpGate;
using SteadyClock = std::chrono::steady_clock;

Answer one_document(bson::View command) {
  return command.begin()->key == "find"
             ? Answer::batch("test.c", make_array(make_document("_id", 1)))
             : Answer::standard();
}

void read(Session& session) { (void)session.find_one("c", bson::Document()); }

class ServiceTest : public ::testing::Test {
 protected:
  World world;
  ScriptedServer server{one_document};

  std::unique_ptr<Service> make(ServiceOptions options) {
    return std::make_unique<Service>(std::move(options), world.clock, world.random);
  }
  std::unique_ptr<Service> make() { return make(short_options(server.uri())); }
};

// Keeps workers busy until it is opened.
class Block {
  std::latch open_{1};
  std::atomic<int> inside_{0};
  std::atomic<int> ended_{0};

 public:
  void start(Service& service, int units) {
    for (int i = 0; i < units; ++i) {
      service.submit(
          Deadline(),
          [this](Session&) {
            ++inside_;
            open_.wait();
            ++ended_;
          },
          [](const std::exception_ptr&) { FAIL(); });
    }
    ASSERT_TRUE(eventually([&] { return inside_ == units; }));
  }
  void open() { open_.count_down(); }
  bool ended(int units) {
    return eventually([&] { return ended_ == units; });
  }
  int ended() const { return ended_; }
};

TEST_F(ServiceTest, RunsAUnitAndGivesItsResultOrItsException) {
  const auto service = make();
  EXPECT_EQ(service->run([](Session& session) { return session.database(); }), "test");
  EXPECT_THROW(service->run([](Session&) { throw std::out_of_range("mine"); }), std::out_of_range);
}

TEST_F(ServiceTest, ConnectsDetectsTheDialectAndWarmsThePool) {
  const ScriptedServer local(one_document, make_document("localdb", 1));
  ServiceOptions options = short_options(local.uri());
  options.warm_minimum = 3;
  const auto service = make(std::move(options));
  EXPECT_EQ(service->dialect(), Dialect::kMongoDb);
  EXPECT_EQ(service->status().open_connections, 0u);
  service->connect();
  EXPECT_EQ(service->dialect(), Dialect::kLocalDb);
  EXPECT_GE(service->status().open_connections, 3u);
  EXPECT_LE(service->status().open_connections, 4u);  // the one that connected may still be busy
}

TEST_F(ServiceTest, ConnectGivesUpWithTheReasonAfterItsAttempts) {
  const auto service = [&] {
    const ScriptedServer gone(one_document);
    ServiceOptions options = short_options(gone.uri());
    options.connect_attempts = 3;
    options.connect_wait_min = 1ms;
    options.connect_wait_max = 2ms;
    options.server_selection_timeout = 20ms;
    return make(std::move(options));
  }();
  const Error error = error_of([&] { service->connect(); });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_TRUE(error.retryable());
  EXPECT_THAT(error.what(), ::testing::HasSubstr("No suitable servers found"));
}

TEST_F(ServiceTest, ConnectDoesNotTryAgainWithRefusedCredentials) {
  const ScriptedServer strict([](bson::View command) {
    return command.begin()->key == "saslStart" ? Answer::error(18, "Authentication failed.")
                                               : Answer::standard();
  });
  ServiceOptions options =
      short_options("mongodb://user:hunter2@127.0.0.1:" + std::to_string(strict.port()) +
                    "/?authMechanism=SCRAM-SHA-256");
  options.connect_attempts = 3;
  options.connect_wait_min = 60s;
  options.connect_wait_max = 60s;
  const auto service = make(std::move(options));
  const Error error = error_of([&] { service->connect(); });
  EXPECT_EQ(error.kind(), ErrorKind::kAuth) << error.what();
  EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("hunter2")));
}

TEST_F(ServiceTest, StopInterruptsTheWaitBetweenAttempts) {
  TcpGate gate(server.port());
  gate.refuse();
  ServiceOptions options = short_options("mongodb://127.0.0.1:" + std::to_string(gate.port()));
  options.connect_attempts = 3;
  options.connect_wait_min = 60s;
  options.connect_wait_max = 60s;
  options.server_selection_timeout = 20ms;
  const auto service = make(std::move(options));
  std::jthread stopper([&] { service->stop(); });
  EXPECT_EQ(error_of([&] { service->connect(); }).kind(), ErrorKind::kUnavailable);
}

TEST_F(ServiceTest, RefusesAtOnceWhenTheQueueIsFull) {
  const auto service = make();  // 4 workers, 4 places in the queue
  Block block;
  block.start(*service, 4);
  std::atomic<int> done{0};
  for (int i = 0; i < 4; ++i) {
    service->submit(
        Deadline(), [&](Session&) { ++done; }, [](const std::exception_ptr&) { FAIL(); });
  }
  const auto start = SteadyClock::now();
  const Error error = error_of([&] { service->run([](Session&) { FAIL(); }); });
  EXPECT_LT(SteadyClock::now() - start, 50ms);
  EXPECT_EQ(error.kind(), ErrorKind::kOverloaded);
  EXPECT_TRUE(error.retryable());
  EXPECT_EQ(service->status().busy, 4u);
  EXPECT_EQ(service->status().queued, 4u);
  block.open();
  EXPECT_TRUE(eventually([&] { return done == 4; }));
}

TEST_F(ServiceTest, ExpiredWorkIsDroppedBeforeItTouchesTheDatabase) {
  const auto service = make();
  Block block;
  block.start(*service, 4);
  const auto start = SteadyClock::now();
  const Error error =
      error_of([&] { service->run(Deadline::after(20ms), [](Session&) { FAIL(); }); });
  // Told at its deadline, not when a worker is free.
  EXPECT_LT(SteadyClock::now() - start, 1s);
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_EQ(service->status().queued, 0u);
  block.open();
  EXPECT_EQ(error_of([&] { service->run(Deadline::after(-1ms), [](Session&) { FAIL(); }); }).kind(),
            ErrorKind::kTimeout);
  EXPECT_TRUE(server.commands().empty());
}

TEST_F(ServiceTest, ACommandPastTheDeadlineIsNotSent) {
  const auto service = make();
  const Error error = error_of([&] {
    service->run(Deadline::after(30ms), [](Session& session) {
      EXPECT_TRUE(eventually([&] { return session.deadline().expired(); }));
      read(session);
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_TRUE(server.commands().empty());
}

TEST_F(ServiceTest, StoppingWaitsForRunningUnitsAndRefusesTheRest) {
  auto service = make();
  Block block;
  block.start(*service, 4);
  std::atomic<int> refused{0};
  for (int i = 0; i < 3; ++i) {
    service->submit(
        Deadline(), [](Session&) { FAIL(); },
        [&](const std::exception_ptr& why) {
          EXPECT_EQ(error_of([&] { std::rethrow_exception(why); }).kind(), ErrorKind::kUnavailable);
          ++refused;
        });
  }
  std::jthread opener([&] {
    EXPECT_TRUE(eventually([&] { return refused == 3; }));
    EXPECT_EQ(block.ended(), 0);
    block.open();
  });
  service->stop();
  EXPECT_EQ(block.ended(), 4);
  EXPECT_EQ(error_of([&] { service->run([](Session&) {}); }).kind(), ErrorKind::kUnavailable);
  service.reset();
}

TEST_F(ServiceTest, HealthIsAPingAndARealRead) {
  std::atomic<bool> refuse{false};
  const ScriptedServer strict([&](bson::View command) {
    if (command.begin()->key != "find") return Answer::standard();
    return refuse ? Answer::error(13, "Not Authenticated") : Answer::batch("test.users", {});
  });
  const auto service = make(short_options(strict.uri()));
  const auto check = [&] {
    service->run(Deadline::after(5s), [&](Session& session) { service->check_health(session); });
  };
  check();
  EXPECT_EQ(strict.commands("ping").size(), 1u);
  EXPECT_EQ(strict.commands("find").size(), 1u);
  refuse = true;
  EXPECT_EQ(error_of(check).kind(), ErrorKind::kAuth);
}

TEST_F(ServiceTest, TheDriversLogGoesToTheCallback) {
  std::mutex mutex;
  std::vector<LogLine> lines;
  ServiceOptions options = short_options(server.uri() + "?nonsense=1");
  options.log = [&](const LogLine& line) {
    const std::lock_guard lock(mutex);
    lines.push_back(line);
  };
  const auto service = make(std::move(options));
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return !lines.empty();
  }));
  EXPECT_EQ(lines[0].level, LogLevel::kWarning);
  EXPECT_THAT(lines[0].message, ::testing::HasSubstr("nonsense"));
}

TEST_F(ServiceTest, IdleConnectionsAreClosedDownToTheWarmMinimumAndTheRestArePinged) {
  ServiceOptions options = short_options(server.uri() + "?maxIdleTimeMS=40");
  options.warm_minimum = 1;
  options.keep_alive = 20ms;
  const auto service = make(std::move(options));
  std::latch all(4);
  std::latch done(4);
  for (int i = 0; i < 4; ++i) {
    service->submit(
        Deadline::after(5s),
        [&](Session& session) {
          read(session);
          all.arrive_and_wait();
          done.count_down();
        },
        [](const std::exception_ptr&) { FAIL(); });
  }
  done.wait();
  EXPECT_EQ(service->status().open_connections, 4u);
  EXPECT_TRUE(eventually([&] { return service->status().open_connections == 1; }));
  const std::size_t pings = server.commands("ping").size();
  EXPECT_TRUE(eventually([&] { return server.commands("ping").size() > pings + 2; }));
  EXPECT_EQ(service->status().open_connections, 1u);
  // On the server too: the one that is left, and those of libmongoc's background watch.
  EXPECT_TRUE(eventually([&] { return server.connections() <= 3; }));
  EXPECT_NO_THROW(service->run(read));
}

TEST_F(ServiceTest, TheWorkerThatWasBusyLastIsGivenWorkFirst) {
  const auto service = make();
  Block block;
  block.start(*service, 4);
  block.open();
  ASSERT_TRUE(block.ended(4));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(eventually([&] { return service->status().busy == 0; }));
    service->run(read);
  }
  EXPECT_EQ(service->status().open_connections, 1u);
}

// --- through a gate that misbehaves -----------------------------------------------------------

class ServiceBehindGate : public ServiceTest {
 protected:
  TcpGate gate{server.port()};

  ServiceOptions options() {
    return short_options("mongodb://127.0.0.1:" + std::to_string(gate.port()));
  }
};

TEST_F(ServiceBehindGate, AServerLostInTheMiddleOfAUnitIsOneUnavailableAndThePoolHeals) {
  const auto service = make(options());
  service->run(read);
  const Error error = error_of([&] {
    service->run(Deadline::after(100ms), [&](Session& session) {
      read(session);
      gate.refuse();
      session.insert_one("c", make_document("_id", 2));
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable) << error.what();
  EXPECT_THAT(error.what(), ::testing::HasSubstr("insert on test.c"));
  gate.pass();
  EXPECT_NO_THROW(service->run(read));
}

TEST_F(ServiceBehindGate, ACutInTheMiddleOfAReplyIsOneUnavailableForAWrite) {
  const auto service = make(options());
  service->run(read);
  gate.cut_after(30);  // after the header and a piece of the reply
  const Error error = error_of([&] {
    service->run([](Session& session) { session.insert_one("c", make_document("_id", 2)); });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_FALSE(error.retryable());
  EXPECT_NO_THROW(service->run(read));
}

TEST_F(ServiceBehindGate, AReadSurvivesACut) {
  const auto service = make(options());
  service->run(read);
  gate.cut();
  EXPECT_NO_THROW(service->run(read));
}

TEST_F(ServiceBehindGate, ABlackholeEndsAtTheUnitsDeadline) {
  const auto service = make(options());
  service->run(read);
  gate.blackhole();
  const auto start = SteadyClock::now();
  const Error error = error_of([&] { service->run(Deadline::after(100ms), read); });
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout) << error.what();
  EXPECT_LT(SteadyClock::now() - start, 5s);  // and not after the socket's 65 s
  gate.pass();
  EXPECT_NO_THROW(service->run(read));
}

TEST_F(ServiceBehindGate, ASlowServerIsSlowAndNoMore) {
  const auto service = make(options());
  service->run(read);
  gate.delay(30ms);
  const auto start = SteadyClock::now();
  EXPECT_NO_THROW(service->run(read));
  EXPECT_GE(SteadyClock::now() - start, 60ms);
}

TEST_F(ServiceBehindGate, AShortDeadlineDoesNotCostOthersTheirServer) {
  // Opening a connection takes several round trips; a unit that has no time for them must not
  // make libmongoc believe that the server is gone.
  ServiceOptions watched = options();
  watched.log = [&](const LogLine& line) {
    if (line.level <= LogLevel::kWarning) ADD_FAILURE() << line.message;
  };
  const auto service = make(std::move(watched));
  service->run(read);
  ASSERT_TRUE(eventually([&] { return service->status().busy == 0; }));
  Block block;
  block.start(*service, 1);  // so that the next unit needs a new connection
  gate.delay(20ms);
  const std::size_t before = gate.connections();
  try {
    service->run(Deadline::after(5ms), read);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  }
  EXPECT_NO_THROW(service->run(Deadline::after(2s), read));
  EXPECT_GE(gate.connections(), before + 1);  // none was thrown away
  block.open();
}

TEST_F(ServiceBehindGate, SubmittingNeverBlocksWhateverTheServerDoes) {
  ServiceOptions few = options();
  few.server_selection_timeout = 200ms;
  few.connect_timeout = 200ms;
  const auto service = make(std::move(few));
  std::atomic<int> pending{0};
  std::chrono::nanoseconds longest{0};
  // What an event loop does: submits, and has no time to wait.
  const auto submit_some = [&] {
    for (int i = 0; i < 10; ++i) {
      ++pending;
      const auto start = SteadyClock::now();
      service->submit(
          Deadline::after(100ms),
          [&](Session& session) {
            try {
              read(session);
            } catch (const Error&) {  // NOLINT(bugprone-empty-catch): expected of a bad server
            }
            --pending;
          },
          [&](const std::exception_ptr&) { --pending; });
      longest = std::max<std::chrono::nanoseconds>(longest, SteadyClock::now() - start);
    }
    EXPECT_TRUE(eventually([&] { return pending == 0; }));
  };
  submit_some();
  gate.refuse();
  submit_some();
  gate.pass();
  submit_some();
  gate.blackhole();
  submit_some();
  gate.pass();
  gate.delay(20ms);
  submit_some();
  gate.cut();
  submit_some();
  EXPECT_LT(longest, 50ms);
}

}  // namespace
}  // namespace gesso::mongo
