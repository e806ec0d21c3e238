#include "gesso/domain/generations.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "gesso/domain/generation_work.hpp"
#include "tests/repositories/fixture.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::Generation;
using models::GenerationCreate;
using models::GenerationId;
using models::GenerationStatus;
using models::User;
using models::UserId;

class GenerationsTest : public RepositoryTest {
 protected:
  User ada;

  GenerationsTest() : ada((Database::get().clear(), add_user("ada@example.com", 10))) {}
  void SetUp() override {}

  GenerationCreate request(std::int64_t cost = 3, std::string_view prompt = "A lake") {
    return {.user_id = ada.id, .prompt = prompt, .cost_credits = cost};
  }
  template <class F>
  auto generations(F&& unit) {
    return with<Generations>(std::forward<F>(unit));
  }
  CreateOutcome create(const GenerationCreate& asked,
                       const std::optional<IdempotencyKey>& key = {}) {
    return generations([&](Generations all) { return all.create(asked, key); });
  }
  Generation created(const GenerationCreate& asked, const std::optional<IdempotencyKey>& key = {}) {
    return std::get<Created>(create(asked, key)).generation;
  }
  CancelOutcome cancel(const GenerationId& id) {
    return generations([&](Generations all) { return all.cancel(ada.id, id); });
  }
  RemoveOutcome remove(const GenerationId& id) {
    return generations([&](Generations all) { return all.remove(ada.id, id); });
  }
  std::vector<Generation> list() {
    return generations([&](Generations all) { return all.list(ada.id, {}, {}).items; });
  }
  std::optional<Generation> claim(std::string_view worker = "worker") {
    return run(
        [&](mongo::Session& session) { return GenerationWork(session, context_).claim(worker); });
  }
  void fail(const Generation& claimed) {
    run([&](mongo::Session& session) {
      return GenerationWork(session, context_)
          .fail({.generation_id = claimed.id,
                 .worker = "worker",
                 .attempt = claimed.attempts.value()},
                FailureKind::kFinal, "no paint");
    });
  }
  User user() {
    return *with<UserRepository>([&](UserRepository users) { return users.find_by_id(ada.id); });
  }
  SweepReport sweep() {
    return with<Charging>([](Charging charging) { return charging.sweep(0ms); });
  }
  // Leaves what an attempt with this key leaves that died before it inserted its generation.
  void die_with_key(const IdempotencyKey& key, std::int64_t credits) {
    const GenerationId id = keyed_id(ada.id, key, 0);
    with<UserRepository>([&](UserRepository users) {
      users.update_by_id(
          ada.id,
          update(inc<&User::credits_remaining>(-credits),
                 push<&User::pending_charges>(models::PendingCharge{.token = attempt_token(ids_),
                                                                    .generation_id = id,
                                                                    .credits = credits,
                                                                    .at = clock_.now()})));
    });
  }
};

TEST_F(GenerationsTest, WithoutAKeyEachRequestIsAnother) {
  EXPECT_NE(created(request()).id, created(request()).id);
  EXPECT_EQ(user().credits_remaining, 4);
  EXPECT_EQ(std::get<NotEnoughCredits>(create(request(5))).available, 4);
}

TEST_F(GenerationsTest, TheSameKeyAndRequestGiveTheSameGenerationOnce) {
  const Generation first = created(request(), "key-1");
  EXPECT_EQ(user().credits_remaining, 7);
  const auto again = std::get<Created>(create(request(), "key-1"));
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.generation, first);
  EXPECT_EQ(user().credits_remaining, 7);
  EXPECT_EQ(user().total_generations, 1);
  EXPECT_EQ(created(request(), "key-2").user_id, ada.id);
  EXPECT_EQ(user().credits_remaining, 4);
  EXPECT_EQ(list().size(), 2U);
}

TEST_F(GenerationsTest, AReplayShowsTheGenerationAsItIsNow) {
  const Generation first = created(request(), "key-1");
  EXPECT_TRUE(std::holds_alternative<Generation>(cancel(first.id)));
  EXPECT_EQ(created(request(), "key-1").status, GenerationStatus::kCancelled);
}

TEST_F(GenerationsTest, AKeyOfAnotherRequestIsRefused) {
  created(request(), "key-1");
  EXPECT_TRUE(std::holds_alternative<KeyReused>(create(request(3, "A hill"), "key-1")));
  EXPECT_EQ(user().credits_remaining, 7);
}

TEST_F(GenerationsTest, AnotherUsersKeyIsAnotherKey) {
  const Generation first = created(request(), "key-1");
  const User grace = add_user("grace@example.com", 10);
  GenerationCreate asked = request();
  asked.user_id = grace.id;
  EXPECT_NE(created(asked, "key-1").id, first.id);
}

TEST_F(GenerationsTest, ARefusalIsNotRemembered) {
  EXPECT_TRUE(std::holds_alternative<NotEnoughCredits>(create(request(11), "key-1")));
  with<UserRepository>([&](UserRepository users) { users.add_credits(ada.id, 5, "grant"); });
  EXPECT_EQ(created(request(11), "key-1").cost_credits, 11);
}

TEST_F(GenerationsTest, WhileTheFirstIsOnItsWayTheSecondIsTold) {
  die_with_key("key-1", 8);
  EXPECT_TRUE(std::holds_alternative<ChargeInProgress>(create(request(8), "key-1")));
  EXPECT_EQ(user().credits_remaining, 2);
  // Another key has nothing to do with it.
  EXPECT_TRUE(std::holds_alternative<Created>(create(request(2), "key-2")));
}

TEST_F(GenerationsTest, AnAttemptThatDiedDoesNotStandInTheWayForLong) {
  die_with_key("key-1", 3);
  clock_.advance(61s);
  const Generation second = created(request(), "key-1");
  EXPECT_EQ(second.id, keyed_id(ada.id, "key-1", 0));
  EXPECT_EQ(user().credits_remaining, 4);
  sweep();
  EXPECT_EQ(user().credits_remaining, 7);
  EXPECT_EQ(user().total_generations, 1);
  EXPECT_EQ(list(), std::vector<Generation>{second});
}

TEST_F(GenerationsTest, AKeyWhoseChargeWasVoidedIsGoodForAnother) {
  die_with_key("key-1", 3);
  clock_.advance(10min);
  EXPECT_EQ(sweep().resolved, 1);
  EXPECT_EQ(user().credits_remaining, 10);
  EXPECT_TRUE(list().empty());
  const Generation made = created(request(), "key-1");
  EXPECT_EQ(made.id, keyed_id(ada.id, "key-1", 1));
  EXPECT_EQ(created(request(), "key-1"), made);
  EXPECT_EQ(user().credits_remaining, 7);
}

TEST_F(GenerationsTest, OfManyAtOnceWithOneKeyOneIsPaid) {
  for (int round = 0; round < 20; ++round) {
    const IdempotencyKey key = "key-" + std::to_string(round);
    with<UserRepository>([&](UserRepository users) {
      users.update_by_id(ada.id, update(set<&User::credits_remaining>(10)));
    });
    std::mutex mutex;
    std::set<GenerationId> ids;
    int made = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 6; ++i) {
        threads.emplace_back([&] {
          const CreateOutcome outcome = create(request(4), key);
          const std::lock_guard lock(mutex);
          if (const auto* answer = std::get_if<Created>(&outcome)) {
            ids.insert(answer->generation.id);
            made += answer->replayed ? 0 : 1;
          } else {
            EXPECT_TRUE(std::holds_alternative<ChargeInProgress>(outcome)) << outcome.index();
          }
        });
      }
    }
    EXPECT_EQ(ids.size(), 1U);
    EXPECT_EQ(made, 1);
    EXPECT_EQ(user().credits_remaining, 6);
    EXPECT_EQ(user().total_generations, round + 1);
    EXPECT_TRUE(user().pending_charges.empty());
  }
}

TEST_F(GenerationsTest, AUserSeesNoneButTheirOwn) {
  const Generation mine = created(request());
  generations([&](Generations all) {
    EXPECT_EQ(all.get(ada.id, mine.id), mine);
    EXPECT_EQ(all.get("user_grace", mine.id), std::nullopt);
    EXPECT_TRUE(std::holds_alternative<NoSuchGeneration>(all.cancel("user_grace", mine.id)));
    EXPECT_TRUE(std::holds_alternative<NoSuchGeneration>(all.remove("user_grace", mine.id)));
    EXPECT_EQ(all.get(ada.id, mine.id), mine);
  });
}

TEST_F(GenerationsTest, AnInterruptedChargeIsNoGenerationOfTheUsers) {
  die_with_key("key-1", 3);
  sweep();
  const GenerationId id = keyed_id(ada.id, "key-1", 0);
  generations([&](Generations all) {
    EXPECT_EQ(all.get(ada.id, id), std::nullopt);
    EXPECT_TRUE(all.list(ada.id, {}, {}).items.empty());
    EXPECT_TRUE(all.list(ada.id, GenerationStatus::kFailed, {}).items.empty());
    EXPECT_EQ(all.stats(ada.id).total_generations, 0);
    EXPECT_TRUE(std::holds_alternative<NoSuchGeneration>(all.cancel(ada.id, id)));
    EXPECT_TRUE(std::holds_alternative<NoSuchGeneration>(all.remove(ada.id, id)));
  });
}

TEST_F(GenerationsTest, APendingOneIsCancelledAndPaidBackOnce) {
  const Generation made = created(request());
  const auto cancelled = std::get<Generation>(cancel(made.id));
  EXPECT_EQ(cancelled.status, GenerationStatus::kCancelled);
  EXPECT_EQ(cancelled.completed_at, clock_.now());
  EXPECT_EQ(cancelled.refunded_at, clock_.now());
  EXPECT_EQ(user().credits_remaining, 10);
  EXPECT_EQ(std::get<Generation>(cancel(made.id)), cancelled);
  EXPECT_EQ(user().credits_remaining, 10);
  EXPECT_EQ(claim(), std::nullopt);
  EXPECT_EQ(generations([&](Generations all) { return all.stats(ada.id).cancelled_generations; }),
            1);
}

TEST_F(GenerationsTest, OneThatAWorkerHasBegunIsAskedToStop) {
  const Generation made = created(request());
  claim();
  clock_.advance(1s);
  const auto asked = std::get<Generation>(cancel(made.id));
  EXPECT_EQ(asked.status, GenerationStatus::kProcessing);
  EXPECT_EQ(asked.cancel_requested_at, clock_.now());
  EXPECT_EQ(user().credits_remaining, 7);
  clock_.advance(1s);
  EXPECT_EQ(std::get<Generation>(cancel(made.id)), asked);
}

TEST_F(GenerationsTest, WhatHasEndedIsNotCancelled) {
  const Generation made = created(request());
  fail(*claim());
  EXPECT_EQ(std::get<AlreadyFinished>(cancel(made.id)).generation.status,
            GenerationStatus::kFailed);
}

TEST_F(GenerationsTest, OnlyWhatHasEndedIsDeleted) {
  const Generation made = created(request());
  EXPECT_EQ(std::get<NotFinished>(remove(made.id)).status, GenerationStatus::kPending);
  const auto claimed = claim();
  EXPECT_EQ(std::get<NotFinished>(remove(made.id)).status, GenerationStatus::kProcessing);
  fail(*claimed);
  EXPECT_TRUE(std::holds_alternative<Deleted>(remove(made.id)));
  EXPECT_TRUE(std::holds_alternative<NoSuchGeneration>(remove(made.id)));
  EXPECT_TRUE(list().empty());
}

TEST_F(GenerationsTest, AKeyWhoseGenerationWasDeletedMakesAnother) {
  const Generation first = created(request(), "key-1");
  cancel(first.id);
  EXPECT_TRUE(std::holds_alternative<Deleted>(remove(first.id)));
  EXPECT_TRUE(std::holds_alternative<NoSuchGeneration>(remove(first.id)));
  EXPECT_TRUE(list().empty());
  const auto stays = *with<GenerationRepository>(
      [&](GenerationRepository all) { return all.find_stored(first.id); });
  EXPECT_EQ(stays.prompt, "(deleted)");
  const Generation second = created(request(), "key-1");
  EXPECT_NE(second.id, first.id);
  EXPECT_EQ(list(), std::vector<Generation>{second});
  EXPECT_EQ(user().credits_remaining, 7);
  EXPECT_EQ(user().total_generations, 2);
}

// A hold that waits for the settler would else be taken for one of an interrupted charge.
TEST_F(GenerationsTest, DeletingSettlesTheChargeFirst) {
  Settler settler(Database::get().service(), context_, {.linger = 1h});
  const Generation made = run([&](mongo::Session& session) {
    Generations all(session, context_, {.settler = &settler});
    return std::get<Created>(all.create(request())).generation;
  });
  EXPECT_EQ(user().pending_charges.size(), 1U);
  const auto claimed = claim();
  run([&](mongo::Session& session) {
    return GenerationWork(session, context_)
        .complete({.generation_id = made.id, .worker = "worker", .attempt = 1}, {});
  });
  EXPECT_TRUE(std::holds_alternative<Deleted>(remove(made.id)));
  EXPECT_TRUE(user().pending_charges.empty());
  clock_.advance(1h);
  sweep();
  settler.flush();
  EXPECT_EQ(user().credits_remaining, 7);
  EXPECT_EQ(user().total_generations, 1);
}

TEST_F(GenerationsTest, DeletingPaysBackFirst) {
  const Generation made = created(request());
  with<GenerationRepository>([&](GenerationRepository all) { all.mark_as_failed(made.id, "no"); });
  EXPECT_EQ(user().credits_remaining, 7);
  EXPECT_TRUE(std::holds_alternative<Deleted>(remove(made.id)));
  EXPECT_EQ(user().credits_remaining, 10);
  EXPECT_TRUE(user().pending_charges.empty());
}

TEST_F(GenerationsTest, ACrashAnywhereInADeletionLosesNothing) {
  if (!Database::get().has_fail_points()) GTEST_SKIP() << "the server has no fail points";
  bool finished = false;
  for (int step = 0; !finished; ++step) {
    ASSERT_LT(step, 50);
    Database::get().clear();
    ada = add_user("ada@example.com", 10);
    add_subscription(ada.id, 1);
    const Generation made = created(request());
    with<GenerationRepository>(
        [&](GenerationRepository all) { all.mark_as_failed(made.id, "no"); });
    Database::get().fail_after(step);
    try {
      finished = std::holds_alternative<Deleted>(remove(made.id));
    } catch (const Error&) {
    }
    Database::get().stop_failing();
    sweep();
    EXPECT_EQ(user().credits_remaining, 10) << step;
    EXPECT_TRUE(user().pending_charges.empty()) << step;
    EXPECT_EQ(user().total_generations, 1) << step;
  }
}

}  // namespace
}  // namespace gesso::domain
