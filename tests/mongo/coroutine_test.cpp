#include "gesso/mongo/coroutine.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <latch>
#include <memory>
#include <thread>

#include "tests/mongo/support.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class Coroutine : public ::testing::Test {
 protected:
  World world;
  testing::ScriptedServer server{[](bson::View) {
    return testing::Answer::batch("test.c", bson::make_array(bson::make_document("_id", 7)));
  }};
  Service service{short_options(server.uri()), world.clock, world.random};
  asio::io_context context;

  // Runs a coroutine to its end on this thread, and throws what it throws.
  template <class F>
  void run_to_end(F coroutine) {
    std::exception_ptr failure;
    asio::co_spawn(context, std::move(coroutine),
                   [&](const std::exception_ptr& thrown) { failure = thrown; });
    context.run();
    if (failure) std::rethrow_exception(failure);
  }
};

TEST_F(Coroutine, GetsTheResultOnItsOwnThreadWhileTheUnitRunsOnAnother) {
  bool done = false;
  run_to_end([&]() -> asio::awaitable<void> {
    const auto loop = std::this_thread::get_id();
    std::thread::id worker;
    const int id = co_await run(service, Deadline::after(5s), [&worker](Session& session) {
      worker = std::this_thread::get_id();
      return (*session.find_one("c", bson::Document()))["_id"].as_int32();
    });
    EXPECT_EQ(id, 7);
    EXPECT_EQ(std::this_thread::get_id(), loop);
    EXPECT_NE(worker, loop);
    done = true;
  });
  EXPECT_TRUE(done);
}

TEST_F(Coroutine, TakesUnitsThatGiveNothingAndResultsThatOnlyMove) {
  run_to_end([&]() -> asio::awaitable<void> {
    co_await run(service, Deadline::after(5s), [](Session&) {});
    auto pointer = co_await run(service, Deadline::after(5s),
                                [](Session&) { return std::make_unique<int>(3); });
    EXPECT_EQ(*pointer, 3);
  });
}

TEST_F(Coroutine, ThrowsWhatTheUnitThrows) {
  EXPECT_THROW(run_to_end([&]() -> asio::awaitable<void> {
                 co_await run(service, Deadline::after(5s),
                              [](Session&) { throw std::out_of_range("mine"); });
               }),
               std::out_of_range);
}

TEST_F(Coroutine, ThrowsTheRefusalOfAnExpiredDeadline) {
  const Error error = error_of([&] {
    run_to_end([&]() -> asio::awaitable<void> {
      co_await run(service, Deadline::after(-1ms), [](Session&) { ADD_FAILURE(); });
    });
  });
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
}

TEST_F(Coroutine, TheLoopGoesOnWhileTheUnitWaits) {
  auto open = std::make_shared<std::latch>(1);
  int ticks = 0;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        for (; ticks < 5; ++ticks) {
          co_await asio::steady_timer(context, 1ms).async_wait(asio::use_awaitable);
        }
        open->count_down();
      },
      [](const std::exception_ptr& thrown) { EXPECT_FALSE(thrown); });
  run_to_end([&]() -> asio::awaitable<void> {
    co_await run(service, Deadline::after(5s), [&open](Session&) { open->wait(); });
    EXPECT_EQ(ticks, 5);
  });
}

TEST_F(Coroutine, ALoopThatEndsFirstLeavesTheUnitToEndInPeace) {
  auto open = std::make_shared<std::latch>(1);
  auto ended = std::make_shared<std::latch>(1);
  {
    asio::io_context loop;
    asio::co_spawn(
        loop,
        [&]() -> asio::awaitable<void> {
          const auto unit = [open, ended](Session&) {
            open->wait();
            ended->count_down();
          };
          co_await run(service, Deadline::after(5s), unit);
        },
        [](const std::exception_ptr&) {});
    loop.poll();  // the unit is under way, and the loop goes away
    open->count_down();
    ended->wait();
    service.stop();  // the worker is done with the loop's executor
  }
  SUCCEED();
}

}  // namespace
}  // namespace gesso::mongo
