#include "gesso/azure/token_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;

// A provider that gives tokens "1", "2", ... of an hour, or fails, or hangs, as a test says.
class Source final : public TokenProvider {
  const Clock& clock_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable_any changed_;
  std::vector<TokenRequest> asked_;
  bool held_ = false;
  std::optional<Error> failure_;

 public:
  explicit Source(const Clock& clock) : clock_(clock) {}

  AccessToken token(const TokenRequest& request, const client::Call& call) override {
    std::unique_lock lock(mutex_);
    asked_.push_back(request);
    const std::size_t number = asked_.size();
    changed_.notify_all();
    if (!changed_.wait(lock, call.stop, [this] { return !held_; })) {
      throw Error(ErrorKind::kUnavailable, "stopped");
    }
    if (failure_) throw *failure_;
    const Time now = clock_.now();
    return {Secret(std::to_string(number)), now + 1h, now + 30min};
  }
  std::string name() const override { return "a source"; }

  void hold() {
    set([this] { held_ = true; });
  }
  void release() {
    set([this] { held_ = false; });
  }
  void fail(std::optional<Error> failure) {
    set([&] { failure_ = std::move(failure); });
  }
  void wait_for_asked(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_.size() >= count; });
  }
  std::vector<TokenRequest> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  template <class Change>
  void set(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
};

struct TokenCacheTest : ::testing::Test {
  testing::FakeClock clock;
  testing::SeededRandom random{1};
  Source* source = new Source(clock);  // the cache's
  TokenCache cache{std::unique_ptr<TokenProvider>(source), clock, random};

  std::string ask(const TokenRequest& request = {}, const client::Call& call = {}) {
    return std::string(cache.token(request, call).value.reveal());
  }
  // Until the background has done what it was woken for; each question wakes it, as in the field.
  void ask_until(const std::string& value) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (ask() != value) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
      std::this_thread::yield();
    }
  }
};

TEST_F(TokenCacheTest, ServesTheTokenThatItHolds) {
  EXPECT_EQ(ask(), "1");
  EXPECT_EQ(ask(), "1");
  clock.advance(29min);
  EXPECT_EQ(ask(), "1");
  EXPECT_EQ(source->asked().size(), 1U);
  EXPECT_EQ(cache.name(), "a source");
}

TEST_F(TokenCacheTest, RefreshesInTheBackgroundWhileTheOldTokenServes) {
  EXPECT_EQ(ask(), "1");
  source->hold();
  clock.advance(40min);
  EXPECT_EQ(ask(), "1") << "nobody waits for a refresh";
  source->wait_for_asked(2);
  EXPECT_EQ(ask(), "1");
  source->release();
  ask_until("2");
  EXPECT_EQ(source->asked().size(), 2U);
}

TEST_F(TokenCacheTest, NobodyNoticesARefreshThatFails) {
  EXPECT_EQ(ask(), "1");
  source->fail(Error(ErrorKind::kUnavailable, "down"));
  clock.advance(40min);
  EXPECT_EQ(ask(), "1");
  source->wait_for_asked(2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(), "1");
    clock.advance(1min);
  }
  source->fail(std::nullopt);
  // A fetch that fails just now may have begun before: its back-off is waited for, and the old
  // token would serve for longer than this goes on.
  for (int i = 0; i < 60'000 && ask() == "1"; ++i) {
    clock.advance(10ms);
    std::this_thread::yield();
  }
  EXPECT_NE(ask(), "1");
}

TEST_F(TokenCacheTest, OneFetchServesAllWhoWait) {
  source->hold();
  std::vector<std::thread> callers;
  std::mutex mutex;  // guards values
  std::vector<std::string> values;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      std::string value = ask();
      const std::lock_guard lock(mutex);
      values.push_back(std::move(value));
    });
  }
  source->wait_for_asked(1);
  source->release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(values, std::vector<std::string>(8, "1"));
  EXPECT_EQ(source->asked().size(), 1U);
}

TEST_F(TokenCacheTest, KeepsATokenForEachResourceAndTenant) {
  EXPECT_EQ(ask(), "1");
  EXPECT_EQ(ask({.resource = "https://management.azure.com"}), "2");
  EXPECT_EQ(ask({.tenant = "t"}), "3");
  EXPECT_EQ(ask(), "1");
  EXPECT_EQ(source->asked()[2].tenant, "t");
}

TEST_F(TokenCacheTest, ARefusedTokenIsReplacedOnceAndNotInALoop) {
  EXPECT_EQ(ask(), "1");
  EXPECT_EQ(ask({.fresh = true}), "2");
  EXPECT_TRUE(source->asked()[1].fresh);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask({.fresh = true}), "2");
  EXPECT_EQ(source->asked().size(), 2U);
  EXPECT_FALSE(source->asked()[0].fresh);
  clock.advance(1min);
  EXPECT_EQ(ask({.fresh = true}), "3");
}

TEST_F(TokenCacheTest, ManyWhoseTokenIsRefusedShareOneFetch) {
  EXPECT_EQ(ask(), "1");
  clock.advance(2min);
  source->hold();
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] { EXPECT_EQ(ask({.fresh = true}), "2"); });
  }
  source->wait_for_asked(2);
  source->release();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(source->asked().size(), 2U);
}

TEST_F(TokenCacheTest, AFailureIsToldToAllAndDoesNotHammerTheSource) {
  source->fail(Error(ErrorKind::kAuth, "no identity"));
  for (int i = 0; i < 100; ++i) {
    const Error error = error_of([&] { ask(); });
    EXPECT_EQ(error.kind(), ErrorKind::kAuth);
    EXPECT_STREQ(error.what(), "no identity");
  }
  EXPECT_EQ(source->asked().size(), 1U);
  source->fail(std::nullopt);
  clock.advance(2s);
  EXPECT_EQ(ask(), "2");
}

TEST_F(TokenCacheTest, AnExpiredTokenIsNotServed) {
  EXPECT_EQ(ask(), "1");
  source->fail(Error(ErrorKind::kUnavailable, "down"));
  clock.advance(59min);
  EXPECT_THROW(ask(), Error);
}

TEST_F(TokenCacheTest, AWallClockThatIsSetChangesNothing) {
  EXPECT_EQ(ask(), "1");
  clock.set_now(clock.now() + std::chrono::years{1});
  EXPECT_EQ(ask(), "1");
  clock.set_now(clock.now() - std::chrono::years{2});
  EXPECT_EQ(ask(), "1");
  EXPECT_EQ(source->asked().size(), 1U);
}

TEST_F(TokenCacheTest, AWaitEndsAtItsDeadlineWhileTheFetchGoesOn) {
  source->hold();
  const Error error = error_of([&] { ask({}, {.deadline = Deadline::after(10ms)}); });
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_STREQ(error.what(), "the deadline passed while waiting for a token of a source");
  source->release();
  EXPECT_EQ(ask(), "1") << "what the first began is not thrown away";
}

TEST_F(TokenCacheTest, AWaitEndsAtOnceWithAStop) {
  source->hold();
  std::stop_source stop;
  std::optional<Error> error;
  std::thread caller([&] { error = error_of([&] { ask({}, {.stop = stop.get_token()}); }); });
  source->wait_for_asked(1);
  stop.request_stop();
  caller.join();  // for ever, if the stop were not seen
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kUnavailable);
}

TEST(TokenCache, EndsAFetchWithItself) {
  testing::FakeClock clock;
  testing::SeededRandom random{1};
  auto* source = new Source(clock);
  source->hold();
  {
    TokenCache cache(std::unique_ptr<TokenProvider>(source), clock, random);
    EXPECT_THROW((void)cache.token({}, {.deadline = Deadline::after(1ms)}), Error);
    EXPECT_THROW((void)cache.token({.tenant = "t"}, {.deadline = Deadline::after(1ms)}), Error);
    source->wait_for_asked(2);
  }  // for ever, if the threads were not stopped
}

TEST(TokenCache, RefreshesWithoutBeingAsked) {
  // With the real clock: a token that is due at once, again and again.
  class Short final : public TokenProvider {
   public:
    std::atomic<int> asked{0};
    AccessToken token(const TokenRequest&, const client::Call&) override {
      const Time now = SystemClock().now();
      asked.fetch_add(1);
      return {Secret(std::string_view("x")), now + 1h, now};
    }
    std::string name() const override { return "short"; }
  };
  const SystemClock clock;
  auto* source = new Short;
  TokenCache::Options options;
  options.timing.refresh_min = 1ms;
  class NoJitter final : public Random {
    void fill(std::span<std::uint8_t> bytes) override { std::ranges::fill(bytes, std::uint8_t{0}); }
  } none;
  TokenCache cache(std::unique_ptr<TokenProvider>(source), clock, none, options);
  (void)cache.token({}, {});
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (source->asked < 3 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_GE(source->asked, 3);
}

}  // namespace
}  // namespace gesso::azure
