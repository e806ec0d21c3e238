#include "gesso/azure/link_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "gesso/azure/blob_store.hpp"
#include "gesso/testing/seeded_random.hpp"
#include "tests/azure/fake_tokens.hpp"
#include "tests/azure/support.hpp"

namespace gesso::azure {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kContainer = "https://paint.blob.core.windows.net/images";

client::Call soon() { return {.deadline = Deadline::after(20s)}; }

DelegationKey key_of(int number, Time now) {
  DelegationKey key;
  key.object_id = "key " + std::to_string(number);
  key.begins = now - 15min;
  key.ends = now + 24h;
  return key;
}

// A source of keys of which each call waits until it may go on.
class GatedSource {
  const Clock& clock_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  int asked_ = 0;
  int allowed_ = 0;
  bool fails_ = false;

 public:
  explicit GatedSource(const Clock& clock) : clock_(clock) {}

  DelegationKey operator()(const client::Call& call) {
    std::unique_lock lock(mutex_);
    const int number = ++asked_;
    changed_.notify_all();
    while (allowed_ < number) {
      changed_.wait_for(lock, 1ms);
      client::check(call, "asking");  // the end of the test
    }
    if (fails_) throw Error(ErrorKind::kUnavailable, "nobody is there");
    return key_of(number, clock_.now());
  }
  void allow(int count, bool fails = false) {
    const std::lock_guard lock(mutex_);
    allowed_ = count;
    fails_ = fails;
    changed_.notify_all();
  }
  [[nodiscard]] bool was_asked(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return asked_ >= count; });
  }
};

class LinkKeysTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  GatedSource source_{clock_};
  LinkKeys keys_{std::ref(source_), clock_, {.retry_wait = 10s, .look_every = 1ms}};

  [[nodiscard]] std::string current() const {
    const auto key = keys_.current();
    return key ? key->object_id : "none";
  }
  // Whether that one comes to be the current one.
  [[nodiscard]] bool comes(std::string_view key) const {
    const Deadline deadline = Deadline::after(20s);
    while (current() != key) {
      if (deadline.expired()) return false;
      std::this_thread::yield();
    }
    return true;
  }
};

TEST(LinkKeys, WhatFailedIsTriedAgainWhenItIsTimeHoweverSeldomTheClockIsLookedAt) {
  const SystemClock clock;
  std::atomic<int> asked = 0;
  LinkKeys keys(
      [&](const client::Call&) {
        if (++asked == 1) throw Error(ErrorKind::kUnavailable, "nobody is there");
        return key_of(2, clock.now());
      },
      clock, {.retry_wait = 5ms, .look_every = 1h});
  EXPECT_THROW(keys.begin({.deadline = Deadline::after(20s)}), Error);
  const Deadline deadline = Deadline::after(20s);
  while (!keys.current() && !deadline.expired()) std::this_thread::yield();
  EXPECT_TRUE(keys.current());
}

TEST_F(LinkKeysTest, TheFirstOneIsWaitedFor) {
  EXPECT_EQ(current(), "none");
  auto begun = std::async(std::launch::async, [this] { keys_.begin(soon()); });
  ASSERT_TRUE(source_.was_asked(1));
  EXPECT_EQ(current(), "none");  // and nobody waits to be told so
  source_.allow(1);
  begun.get();
  EXPECT_EQ(current(), "key 1");
}

TEST_F(LinkKeysTest, TheNextOneIsAskedForAheadOfItsEndAndNobodyWaits) {
  source_.allow(1);
  keys_.begin(soon());
  clock_.advance(12h);
  ASSERT_TRUE(source_.was_asked(2));
  EXPECT_EQ(current(), "key 1");  // while the other is on its way
  source_.allow(2);
  EXPECT_TRUE(comes("key 2"));
}

TEST_F(LinkKeysTest, WhereNoneIsToBeHadTheOldOneStaysAndTryingGoesOn) {
  source_.allow(1);
  keys_.begin(soon());
  source_.allow(2, true);
  clock_.advance(12h);
  ASSERT_TRUE(source_.was_asked(2));
  EXPECT_EQ(current(), "key 1");
  source_.allow(9);
  const Deadline deadline = Deadline::after(20s);
  while (current() == "key 1" && !deadline.expired()) {
    clock_.advance(1s);  // past the wait after a failure, whenever that began
    std::this_thread::yield();
  }
  EXPECT_EQ(current(), "key 3");
}

TEST_F(LinkKeysTest, AFirstAttemptThatFailsIsToldAndAnotherFollows) {
  source_.allow(1, true);
  try {
    keys_.begin(soon());
    FAIL() << "it did not throw";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "nobody is there");
  }
  EXPECT_EQ(current(), "none");
  source_.allow(9);
  const Deadline deadline = Deadline::after(20s);
  while (current() == "none" && !deadline.expired()) {
    clock_.advance(1s);
    std::this_thread::yield();
  }
  EXPECT_EQ(current(), "key 2");
}

TEST_F(LinkKeysTest, WhoWaitsForTheFirstOneWaitsNoLongerThanTold) {
  try {
    keys_.begin({.deadline = Deadline::after(20ms)});
    FAIL() << "it did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  }
}

// Answers one request for a key, and none after it.
class OneKeyClient final : public client::HttpClient {
  std::atomic<int> asked_ = 0;

 public:
  client::HttpResponse send(const client::HttpRequest& request, const client::Call& call) override {
    if (++asked_ > 1) client::wait(1h, call, "answering");
    EXPECT_THAT(request.url, HasSubstr("comp=userdelegationkey"));
    const std::string text(request.body.reveal());
    const auto between = [&](const std::string& tag) {
      const std::size_t at = text.find("<" + tag + ">") + tag.size() + 2;
      return text.substr(at, text.find('<', at) - at);
    };
    return {.status = 200,
            .body = Secret("<UserDelegationKey><SignedOid>o</SignedOid><SignedTid>t</SignedTid>"
                           "<SignedStart>" +
                           between("Start") + "</SignedStart><SignedExpiry>" + between("Expiry") +
                           "</SignedExpiry><SignedService>b</SignedService><SignedVersion>"
                           "2022-11-02</SignedVersion><Value>a2V5</Value></UserDelegationKey>")};
  }
  [[nodiscard]] int asked() const { return asked_; }
};

class LinksTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  testing::SeededRandom random_{1};
  FakeTokens tokens_;
  OneKeyClient client_;
  AzureBlobStore store_{{.container_url = kContainer}, client_, tokens_, clock_, random_};

  std::string link() { return store_.link("generations/a/0.png", clock_.now()); }
};

TEST_F(LinksTest, AskNobodyEvenWhereTheKeyHasEndedAndNoOtherCanBeHad) {
  EXPECT_EQ(link(), std::string(kContainer) + "/generations/a/0.png");
  EXPECT_EQ(client_.asked(), 0);
  store_.prepare_links(soon());
  EXPECT_THAT(link(), HasSubstr("?sv="));
  clock_.advance(13h);  // past the half of it
  EXPECT_THAT(link(), HasSubstr("?sv="));
  clock_.advance(12h);
  EXPECT_THAT(link(), Not(HasSubstr("?sv=")));
}

TEST_F(LinksTest, AreTheSameForAQuarterOfTheirLifetimeAndGoodForAllOfIt) {
  store_.prepare_links(soon());
  clock_.advance(1h);
  const std::string first = link();
  EXPECT_THAT(first, HasSubstr("se=2026-01-31T14%3A15%3A00Z"));
  clock_.advance(14min);
  EXPECT_EQ(link(), first);
  clock_.advance(1min);
  EXPECT_NE(link(), first);
}

TEST_F(LinksTest, EndWithTheirKey) {
  store_.prepare_links(soon());
  clock_.advance(23h + 30min);
  EXPECT_THAT(link(), HasSubstr("se=2026-02-01T12%3A00%3A00Z"));
}

}  // namespace
}  // namespace gesso::azure
