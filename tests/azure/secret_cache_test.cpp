#include "gesso/azure/secret_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "gesso/base/error.hpp"
#include "gesso/testing/fake_clock.hpp"
#include "gesso/testing/seeded_random.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;

class Vault final : public SecretProvider {
 public:
  std::mutex mutex;  // guards all below
  std::condition_variable changed;
  std::string value = "one";
  std::optional<ErrorKind> failure;
  bool hold = false;
  int reads = 0;

  SecretValue get(std::string_view, std::string_view, const Call&) override {
    std::unique_lock lock(mutex);
    ++reads;
    changed.notify_all();
    changed.wait(lock, [this] { return !hold; });
    if (failure) throw Error(*failure, "down");
    return {Secret(std::string_view(value)), {.version = "v"}};
  }
  std::vector<SecretVersion> versions(std::string_view, const Call&) override {
    return {{.version = "v"}};
  }
};

class SecretCacheTest : public ::testing::Test {
 protected:
  Vault vault;
  testing::FakeClock clock;
  testing::SeededRandom random;
  SecretCache cache{vault, {}, clock, random};

  std::string get(std::string_view name = "a") {
    return std::string(cache.get(name, "", {}).value.reveal());
  }
};

TEST_F(SecretCacheTest, ReadsOnceUntilASecretIsOld) {
  EXPECT_EQ(get(), "one");
  vault.value = "two";
  clock.advance(4min - 1ms);  // 0.8 of five minutes at least
  EXPECT_EQ(get(), "one");
  EXPECT_EQ(vault.reads, 1);
  clock.advance(150s + 1ms);  // 1.3 at most
  EXPECT_EQ(get(), "two");
  EXPECT_EQ(cache.status().reads, 2U);
  EXPECT_EQ(cache.status().stale_serves, 0U);
}

TEST_F(SecretCacheTest, KeepsNamesAndVersionsApart) {
  EXPECT_EQ(get("a"), "one");
  vault.value = "two";
  EXPECT_EQ(get("b"), "two");
  EXPECT_EQ(cache.get("a", "v2", {}).value.reveal(), "two");
  EXPECT_EQ(get("a"), "one");
  EXPECT_EQ(cache.status().secrets, 3U);
  EXPECT_EQ(cache.versions("a", {}).size(), 1U);
}

TEST_F(SecretCacheTest, ServesTheOldValueWhileTheVaultIsDownAndCountsIt) {
  EXPECT_EQ(get(), "one");
  for (const ErrorKind kind : {ErrorKind::kUnavailable, ErrorKind::kTimeout, ErrorKind::kThrottled,
                               ErrorKind::kInternal}) {
    vault.failure = kind;
    clock.advance(10min);
    EXPECT_EQ(get(), "one");
    EXPECT_EQ(get(), "one");  // not asked again so soon
  }
  EXPECT_EQ(vault.reads, 5);
  EXPECT_EQ(cache.status().stale_serves, 8U);
  EXPECT_EQ(cache.status().stalest, 40min);
  EXPECT_EQ(cache.status().last_error, "down");
  vault.failure.reset();
  vault.value = "two";
  clock.advance(10s);
  EXPECT_EQ(get(), "two");
  EXPECT_EQ(cache.status().stalest, 0ms);
  EXPECT_EQ(cache.status().last_error, "");
}

TEST_F(SecretCacheTest, HearsAVaultThatSaysNo) {
  EXPECT_EQ(get(), "one");
  for (const ErrorKind kind : {ErrorKind::kValidation, ErrorKind::kAuth}) {
    vault.failure = kind;
    clock.advance(10min);
    EXPECT_THROW((void)get(), Error);
  }
  vault.failure = ErrorKind::kUnavailable;  // there is nothing left to serve
  EXPECT_THROW((void)get(), Error);
}

TEST_F(SecretCacheTest, ThrowsWhatAFirstReadThrows) {
  vault.failure = ErrorKind::kTimeout;
  EXPECT_THROW((void)get(), Error);
  EXPECT_THROW((void)get(), Error);
  EXPECT_EQ(vault.reads, 2);
}

TEST_F(SecretCacheTest, ReadsAgainWhatStoppedWorking) {
  EXPECT_EQ(get(), "one");
  vault.value = "two";
  cache.expire("b");
  EXPECT_EQ(get(), "one");
  cache.expire("a");
  EXPECT_EQ(get(), "two");
}

TEST_F(SecretCacheTest, OneCallerReadsAndTheOthersWait) {
  vault.hold = true;
  std::vector<std::thread> callers;
  for (int i = 0; i < 5; ++i) callers.emplace_back([&] { EXPECT_EQ(get(), "one"); });
  {
    std::unique_lock lock(vault.mutex);
    vault.changed.wait(lock, [&] { return vault.reads == 1; });
  }
  EXPECT_THROW((void)cache.get("a", "", {.deadline = Deadline::after(1ms)}), Error);
  {
    const std::lock_guard lock(vault.mutex);
    vault.hold = false;
  }
  vault.changed.notify_all();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(vault.reads, 1);
}

}  // namespace
}  // namespace gesso::azure
