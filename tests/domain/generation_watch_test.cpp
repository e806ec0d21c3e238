#include "gesso/domain/generation_watch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

#include "gesso/base/error.hpp"

namespace gesso::domain {
namespace {

using namespace std::chrono_literals;
using models::Generation;
using models::GenerationId;
using models::GenerationStatus;

Generation generation(const GenerationId& id, GenerationStatus status, std::int64_t attempts = 0) {
  return {.id = id,
          .user_id = "user_ada",
          .prompt = "A lake",
          .status = status,
          .attempts = attempts,
          .created_at = {},
          .updated_at = {}};
}

// Generations as another instance changes them.
class Database {
  std::mutex mutex_;
  std::map<GenerationId, Generation> generations_;
  std::vector<std::vector<GenerationId>> looks_;
  bool fails_ = false;

 public:
  void put(const Generation& generation) {
    const std::lock_guard lock(mutex_);
    generations_.insert_or_assign(generation.id, generation);
  }
  void remove(const GenerationId& id) {
    const std::lock_guard lock(mutex_);
    generations_.erase(id);
  }
  void set_fails(bool fails) {
    const std::lock_guard lock(mutex_);
    fails_ = fails;
  }
  std::vector<Generation> fetch(const std::vector<GenerationId>& ids) {
    const std::lock_guard lock(mutex_);
    looks_.push_back(ids);
    if (fails_) throw Error(ErrorKind::kUnavailable, "no server");
    std::vector<Generation> found;
    for (const GenerationId& id : ids) {
      if (const auto it = generations_.find(id); it != generations_.end()) {
        found.push_back(it->second);
      }
    }
    return found;
  }
  std::vector<std::vector<GenerationId>> looks() {
    const std::lock_guard lock(mutex_);
    return looks_;
  }
};

// The events of a watcher, as they come.
class Events {
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<GenerationEvent> events_;

 public:
  GenerationWatch::OnEvent sink() {
    return [this](const GenerationEvent& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
      changed_.notify_all();
    };
  }
  // Blocks until there are so many.
  std::vector<GenerationEvent> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return events_.size() >= count; }));
    return events_;
  }
};

std::optional<GenerationStatus> status_of(const GenerationEvent& event) {
  return event.generation ? std::optional(event.generation->status) : std::nullopt;
}

const WatchOptions kSeldom{.looks = {.min = 1h, .max = 1h, .retry = 1h}};
const WatchOptions kOften{.looks = {.min = 5ms, .max = 5ms, .retry = 5ms}};

class GenerationWatchTest : public ::testing::Test {
 protected:
  Database database;
  GenerationWatch::Fetch fetch = [this](const auto& ids) { return database.fetch(ids); };
  const GenerationId id = "gen_1";
  Events events;
};

TEST(PositionTest, GrowsWithEachStateOnTheWay) {
  const auto state = [](GenerationStatus status, std::int64_t attempts, bool is_to_stop = false) {
    Generation at = generation("gen_1", status, attempts);
    if (is_to_stop) at.cancel_requested_at = Time{};
    return position_of(at);
  };
  using enum GenerationStatus;
  const std::vector<std::int64_t> way{
      state(kPending, 0),    state(kProcessing, 1),       state(kPending, 1),
      state(kProcessing, 2), state(kProcessing, 3),       state(kPending, 3),
      state(kProcessing, 4), state(kProcessing, 4, true), state(kCompleted, 4)};
  for (std::size_t i = 1; i < way.size(); ++i) EXPECT_LT(way[i - 1], way[i]) << i;
  // A prediction without a claim.
  EXPECT_LT(state(kPending, 0), state(kProcessing, 0));
  EXPECT_LT(state(kProcessing, 0), state(kProcessing, 0, true));
  for (const auto end : {kCompleted, kFailed, kCancelled}) EXPECT_EQ(state(end, 0), state(end, 9));
}

TEST_F(GenerationWatchTest, TellsWhatIsThereAndThenWhatThisProcessChanges) {
  database.put(generation(id, GenerationStatus::kPending));
  GenerationWatch watch(fetch, kSeldom);
  const auto subscription = watch.watch(id, -1, events.sink());
  EXPECT_EQ(status_of(events.wait_for(1)[0]), GenerationStatus::kPending);
  watch.notify(generation(id, GenerationStatus::kProcessing, 1));
  watch.notify(generation("gen_other", GenerationStatus::kFailed));
  watch.notify(generation(id, GenerationStatus::kProcessing, 1));  // the same again
  watch.notify(generation(id, GenerationStatus::kCompleted, 1));
  const auto told = events.wait_for(3);
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(status_of(told[1]), GenerationStatus::kProcessing);
  EXPECT_FALSE(told[1].is_last);
  EXPECT_EQ(status_of(told[2]), GenerationStatus::kCompleted);
  EXPECT_TRUE(told[2].is_last);
  EXPECT_EQ(watch.watchers(), 0U);  // nothing follows
}

TEST_F(GenerationWatchTest, FindsWhatOthersChangeByOneQueryForAll) {
  Events other;
  database.put(generation(id, GenerationStatus::kPending));
  database.put(generation("gen_2", GenerationStatus::kPending));
  GenerationWatch watch(fetch, kOften);
  const auto first = watch.watch(id, -1, events.sink());
  const auto second = watch.watch("gen_2", -1, other.sink());
  events.wait_for(1);
  other.wait_for(1);
  database.put(generation(id, GenerationStatus::kCompleted));
  EXPECT_EQ(status_of(events.wait_for(2)[1]), GenerationStatus::kCompleted);
  database.remove("gen_2");
  const auto told = other.wait_for(2);
  EXPECT_EQ(status_of(told[1]), std::nullopt);
  EXPECT_TRUE(told[1].is_last);
  const auto looks = database.looks();
  EXPECT_TRUE(std::ranges::any_of(looks, [&](const auto& look) {
    return look == std::vector<GenerationId>{id, "gen_2"};
  }));
}

TEST_F(GenerationWatchTest, WhoComesBackIsToldWhatIsNew) {
  database.put(generation(id, GenerationStatus::kProcessing, 1));
  GenerationWatch watch(fetch, kSeldom);
  const auto seen = position_of(generation(id, GenerationStatus::kProcessing, 1));
  const auto subscription = watch.watch(id, seen, events.sink());
  watch.notify(generation(id, GenerationStatus::kPending, 1));
  EXPECT_EQ(status_of(events.wait_for(1)[0]), GenerationStatus::kPending);
}

TEST_F(GenerationWatchTest, WhoComesBackAfterTheEndIsToldTheEnd) {
  database.put(generation(id, GenerationStatus::kFailed));
  GenerationWatch watch(fetch, kSeldom);
  const auto subscription =
      watch.watch(id, position_of(generation(id, GenerationStatus::kFailed)), events.sink());
  EXPECT_TRUE(events.wait_for(1)[0].is_last);
}

TEST_F(GenerationWatchTest, WithAFeedItLooksWhenItIsToldSoAndAsksNobodyInVain) {
  database.put(generation(id, GenerationStatus::kPending));
  database.put(generation("gen_2", GenerationStatus::kPending));
  Events other;
  GenerationWatch watch(fetch, {.looks = kOften.looks, .has_feed = true});
  const auto first = watch.watch(id, -1, events.sink());
  const auto second = watch.watch("gen_2", -1, other.sink());
  events.wait_for(1);
  other.wait_for(1);
  const std::size_t looks = database.looks().size();
  database.put(generation(id, GenerationStatus::kProcessing, 1));
  watch.notify(generation(id, GenerationStatus::kProcessing, 1));  // the feed says it, too
  watch.changed("gen_nobody_watches");
  watch.changed(id);
  EXPECT_EQ(status_of(events.wait_for(2)[1]), GenerationStatus::kProcessing);
  database.remove("gen_2");
  watch.changed("gen_2");
  EXPECT_TRUE(other.wait_for(2)[1].is_last);
  const auto all = database.looks();
  ASSERT_EQ(all.size(), looks + 2);
  EXPECT_EQ(all[looks], std::vector<GenerationId>{id});
  EXPECT_EQ(all[looks + 1], std::vector<GenerationId>{"gen_2"});
}

TEST_F(GenerationWatchTest, AsksAgainAfterALookThatFailed) {
  database.set_fails(true);
  database.put(generation(id, GenerationStatus::kPending));
  GenerationWatch watch(fetch, kOften);
  const auto subscription = watch.watch(id, -1, events.sink());
  while (database.looks().size() < 3) std::this_thread::yield();
  database.set_fails(false);
  events.wait_for(1);
}

TEST_F(GenerationWatchTest, WhoHearsNothingIsToldSo) {
  database.put(generation(id, GenerationStatus::kPending));
  std::promise<void> quiet;
  std::once_flag once;
  GenerationWatch watch(fetch, {.looks = kOften.looks, .quiet = 10ms});
  const auto subscription =
      watch.watch(id, -1, events.sink(), [&] { std::call_once(once, [&] { quiet.set_value(); }); });
  EXPECT_EQ(quiet.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(GenerationWatchTest, ACallbackMayOwnItsSubscription) {
  database.put(generation(id, GenerationStatus::kPending));
  auto owner = std::make_shared<GenerationWatch::Subscription>();
  const std::weak_ptr<GenerationWatch::Subscription> left = owner;
  {
    GenerationWatch watch(fetch, kSeldom);
    *owner = watch.watch(id, 1, [owner](const GenerationEvent&) {});
    owner.reset();
  }
  EXPECT_TRUE(left.expired());
}

TEST_F(GenerationWatchTest, OnceItsSubscriptionHasEndedACallbackDoesNotRun) {
  database.put(generation(id, GenerationStatus::kPending));
  GenerationWatch watch(fetch, kSeldom);
  std::promise<void> began;
  std::promise<void> may_go_on;
  std::atomic<int> calls = 0;
  std::atomic<bool> ended = false;
  auto subscription = watch.watch(id, -1, [&](const GenerationEvent&) {
    ++calls;
    began.set_value();
    may_go_on.get_future().wait();
    EXPECT_FALSE(ended);
  });
  began.get_future().wait();
  std::jthread leaver([&] {
    subscription.end();  // waits for the callback
    ended = true;
  });
  may_go_on.set_value();
  leaver.join();
  watch.notify(generation(id, GenerationStatus::kCompleted));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(watch.watchers(), 0U);
}

TEST_F(GenerationWatchTest, WhoComesWhileTheEndIsToldIsToldItToo) {
  GenerationWatch watch(fetch, kSeldom);  // and there is no such generation
  Events late;
  GenerationWatch::Subscription third;
  std::atomic<bool> is_first = true;
  const auto comer = [&](const GenerationEvent&) {
    if (is_first.exchange(false)) third = watch.watch(id, -1, late.sink());
  };
  const auto first = watch.watch(id, -1, comer);
  const auto second = watch.watch(id, -1, comer);
  EXPECT_FALSE(late.wait_for(1).front().generation);
}

TEST_F(GenerationWatchTest, ACallbackMayEndItsOwnSubscription) {
  database.put(generation(id, GenerationStatus::kPending));
  GenerationWatch watch(fetch, kSeldom);
  std::promise<void> over;
  GenerationWatch::Subscription subscription;
  std::mutex mutex;
  {
    const std::lock_guard lock(mutex);
    subscription = watch.watch(id, -1, [&](const GenerationEvent&) {
      const std::lock_guard inner(mutex);
      subscription.end();
      over.set_value();
    });
  }
  over.get_future().wait();
  EXPECT_EQ(watch.watchers(), 0U);
}

}  // namespace
}  // namespace gesso::domain
