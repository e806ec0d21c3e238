#include "gesso/domain/generation_work.hpp"

#include "tests/repositories/fixture.hpp"

namespace gesso::domain {
namespace {

using namespace query;
using namespace repositories;
using namespace std::chrono_literals;
using models::Generation;
using models::GenerationId;
using models::GenerationStatus;
using models::User;

class GenerationWorkTest : public RepositoryTest {
 protected:
  User ada;

  GenerationWorkTest() : ada((Database::get().clear(), add_user("ada@example.com", 10))) {}
  void SetUp() override {}

  template <class F>
  auto work(F&& unit) {
    return run([&](mongo::Session& session) {
      return unit(GenerationWork(session, context_,
                                 {.lease = 1min, .max_attempts = 2, .retry_after = 10s}));
    });
  }
  Generation charged(std::int64_t cost = 3) {
    return with<Charging>([&](Charging charging) {
      return std::get<Generation>(charging.charge_and_create(
          {.user_id = ada.id, .prompt = "A lake", .cost_credits = cost}));
    });
  }
  // A claim of the oldest that is free.
  Claim claim(const char* worker = "worker-1") {
    const auto claimed = work([&](GenerationWork all) { return all.claim(worker); });
    EXPECT_TRUE(claimed);
    return {.generation_id = claimed->id, .worker = worker, .attempt = claimed->attempts.value()};
  }
  bool nothing_to_claim() {
    return !work([](GenerationWork all) { return all.claim("worker-9"); });
  }
  HeartbeatOutcome heartbeat(const Claim& held) {
    return work([&](GenerationWork all) { return all.heartbeat(held); });
  }
  EndOutcome complete(const Claim& held) {
    return work([&](GenerationWork all) {
      return all.complete(held, {.result_urls = {"https://a.example/1"}});
    });
  }
  EndOutcome fail(const Claim& held, FailureKind kind = FailureKind::kFinal) {
    return work([&](GenerationWork all) { return all.fail(held, kind, "no paint"); });
  }
  void request_cancel(const GenerationId& id) {
    with<Generations>([&](Generations all) { (void)all.cancel(ada.id, id); });
  }
  Generation stored(const GenerationId& id) {
    return *with<GenerationRepository>(
        [&](GenerationRepository all) { return all.find_by_id(id); });
  }
  std::int64_t balance() {
    return with<UserRepository>([&](UserRepository users) {
      const User user = *users.find_by_id(ada.id);
      EXPECT_TRUE(user.pending_charges.empty());
      return user.credits_remaining.value();
    });
  }
};

TEST_F(GenerationWorkTest, AGenerationIsClaimedWorkedOnAndCompleted) {
  const Generation made = charged();
  const Claim held = claim();
  EXPECT_EQ(held.generation_id, made.id);
  EXPECT_EQ(held.attempt, 1);
  EXPECT_EQ(stored(made.id).status, GenerationStatus::kProcessing);
  clock_.advance(5s);
  const auto done = std::get<Generation>(complete(held));
  EXPECT_EQ(done.status, GenerationStatus::kCompleted);
  EXPECT_EQ(done.result_urls, std::vector<models::Url>{"https://a.example/1"});
  EXPECT_EQ(done.processing_time_ms->value(), 5000);
  EXPECT_EQ(done.completed_at, clock_.now());
  // Its answer was lost.
  clock_.advance(1s);
  EXPECT_EQ(std::get<Generation>(complete(held)), done);
  EXPECT_EQ(balance(), 7);
  EXPECT_TRUE(nothing_to_claim());
}

TEST_F(GenerationWorkTest, AHeartbeatExtendsTheLease) {
  charged();
  const Claim held = claim();
  for (int i = 0; i < 3; ++i) {
    clock_.advance(59s);
    const auto beat = std::get<StillHeld>(heartbeat(held));
    EXPECT_EQ(beat.lease_until, clock_.now() + 1min);
    EXPECT_FALSE(beat.cancel_requested);
    EXPECT_TRUE(nothing_to_claim());
  }
}

TEST_F(GenerationWorkTest, AWorkerThatLostItsLeaseChangesNothing) {
  const Generation made = charged();
  const Claim late = claim("worker-1");
  clock_.advance(1min);
  const Claim held = claim("worker-2");
  EXPECT_EQ(held.generation_id, made.id);
  EXPECT_EQ(held.attempt, 2);
  const Generation before = stored(made.id);
  EXPECT_TRUE(std::holds_alternative<LeaseLost>(heartbeat(late)));
  EXPECT_TRUE(std::holds_alternative<LeaseLost>(complete(late)));
  EXPECT_TRUE(std::holds_alternative<LeaseLost>(fail(late)));
  EXPECT_EQ(stored(made.id), before);
  // Nor one of the same name with an older claim, or another's name with this one.
  EXPECT_TRUE(std::holds_alternative<LeaseLost>(
      complete({.generation_id = made.id, .worker = "worker-2", .attempt = 1})));
  EXPECT_TRUE(std::holds_alternative<LeaseLost>(
      complete({.generation_id = made.id, .worker = "worker-1", .attempt = 2})));
  EXPECT_EQ(stored(made.id), before);
  EXPECT_TRUE(std::holds_alternative<Generation>(complete(held)));
  EXPECT_TRUE(std::holds_alternative<LeaseLost>(fail(late)));
  EXPECT_EQ(balance(), 7);
}

TEST_F(GenerationWorkTest, ALateWorkerMayFinishWhileNobodyElseHasClaimed) {
  charged();
  const Claim held = claim();
  clock_.advance(1h);
  EXPECT_TRUE(std::holds_alternative<Generation>(complete(held)));
}

TEST_F(GenerationWorkTest, WhatIsNotThereIsSaidSo) {
  const Claim none{.generation_id = "gen_none", .worker = "worker-1", .attempt = 1};
  EXPECT_TRUE(std::holds_alternative<NoSuchGeneration>(heartbeat(none)));
  EXPECT_TRUE(std::holds_alternative<NoSuchGeneration>(complete(none)));
  EXPECT_TRUE(std::holds_alternative<NoSuchGeneration>(fail(none)));
}

TEST_F(GenerationWorkTest, AFailureIsFinalAndPaidBackOnce) {
  charged();
  const Claim held = claim();
  for (int i = 0; i < 3; ++i) {
    const auto failed = std::get<Generation>(fail(held));
    EXPECT_EQ(failed.status, GenerationStatus::kFailed);
    EXPECT_EQ(failed.error_message, "no paint");
    EXPECT_TRUE(failed.refunded_at);
    EXPECT_EQ(balance(), 10);
  }
  EXPECT_TRUE(std::holds_alternative<LeaseLost>(complete(held)));
  EXPECT_TRUE(nothing_to_claim());
}

TEST_F(GenerationWorkTest, AFailureThatMayPassIsTriedAgainAfterAWhile) {
  const Generation made = charged();
  const Claim first = claim();
  const auto back = std::get<Generation>(fail(first, FailureKind::kRetryable));
  EXPECT_EQ(back.status, GenerationStatus::kPending);
  EXPECT_EQ(std::get<Generation>(fail(first, FailureKind::kRetryable)), back);  // said again
  EXPECT_TRUE(nothing_to_claim());
  clock_.advance(10s);
  const Claim second = claim();
  EXPECT_EQ(second.attempt, 2);
  EXPECT_TRUE(std::holds_alternative<LeaseLost>(fail(first, FailureKind::kRetryable)));
  // It was the last attempt.
  EXPECT_EQ(std::get<Generation>(fail(second, FailureKind::kRetryable)).status,
            GenerationStatus::kFailed);
  EXPECT_EQ(balance(), 10);
  EXPECT_EQ(stored(made.id).attempts, 2);
}

TEST_F(GenerationWorkTest, WhoClaimsEndsWhatHasNoAttemptLeft) {
  const Generation made = charged();
  clock_.advance(1s);
  const Generation next = charged();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(claim().generation_id, made.id);
    clock_.advance(1min);
  }
  EXPECT_EQ(claim().generation_id, next.id);
  EXPECT_EQ(stored(made.id).status, GenerationStatus::kFailed);
  EXPECT_EQ(stored(made.id).error_message, "It was given up after 2 attempts.");
  EXPECT_EQ(balance(), 7);
}

TEST_F(GenerationWorkTest, WhatHasNoAttemptLeftIsEndedAndNotClaimed) {
  const Generation made = charged();
  for (int i = 0; i < 2; ++i) {
    claim();
    clock_.advance(1min);
  }
  work([&](GenerationWork all) {
    const auto candidates = all.find_claimable(2);
    ASSERT_EQ(candidates.size(), 1U);
    EXPECT_FALSE(all.claim("worker-1", candidates[0]));
  });
  EXPECT_EQ(stored(made.id).status, GenerationStatus::kFailed);
}

TEST_F(GenerationWorkTest, WhoeverComesSecondDoesNotGetTheSameCandidate) {
  const Generation made = charged();
  work([&](GenerationWork all) {
    const auto candidates = all.find_claimable(2);
    ASSERT_EQ(candidates.size(), 1U);
    EXPECT_EQ(all.claim("worker-1", candidates[0])->id, made.id);
    EXPECT_FALSE(all.claim("worker-2", candidates[0]));
  });
  EXPECT_EQ(stored(made.id).lease_owner, "worker-1");
}

TEST_F(GenerationWorkTest, TheSweepEndsWhatHasNoAttemptLeft) {
  const auto end_expired = [&] {
    return work([](GenerationWork all) { return all.end_expired(); });
  };
  const Generation made = charged();
  claim();
  clock_.advance(1min);
  EXPECT_EQ(end_expired(), 0);  // it has one
  claim();
  EXPECT_EQ(end_expired(), 0);  // the lease lasts
  clock_.advance(1min);
  EXPECT_EQ(end_expired(), 1);
  EXPECT_EQ(stored(made.id).status, GenerationStatus::kFailed);
  EXPECT_EQ(balance(), 10);
  EXPECT_EQ(end_expired(), 0);
}

TEST_F(GenerationWorkTest, AWorkerThatIsAskedToStopStopsAndIsPaid) {
  const Generation made = charged();
  const Claim held = claim();
  request_cancel(made.id);
  EXPECT_TRUE(std::get<StillHeld>(heartbeat(held)).cancel_requested);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(std::get<Generation>(fail(held, FailureKind::kCancelled)).status,
              GenerationStatus::kCancelled);
    EXPECT_EQ(balance(), 7);
  }
  with<Charging>([](Charging charging) { charging.sweep(0ms); });
  EXPECT_EQ(balance(), 7);
  EXPECT_EQ(error_of([&] {
              with<Charging>([&](Charging charging) { charging.refund(made.id); });
            }).kind(),
            ErrorKind::kConflict);
}

TEST_F(GenerationWorkTest, AWorkerThatIsAskedToStopMayHaveFinished) {
  const Generation made = charged();
  const Claim held = claim();
  request_cancel(made.id);
  EXPECT_EQ(std::get<Generation>(complete(held)).status, GenerationStatus::kCompleted);
}

TEST_F(GenerationWorkTest, NobodyAskedToStopSoItIsAFailure) {
  charged();
  const Claim held = claim();
  EXPECT_EQ(std::get<Generation>(fail(held, FailureKind::kCancelled)).status,
            GenerationStatus::kFailed);
  EXPECT_EQ(balance(), 10);
}

TEST_F(GenerationWorkTest, WhatIsToStopIsNotTriedAgainAndPaidBack) {
  const auto end_by = [&](auto&& how) {
    const Generation made = charged();
    const Claim held = claim();
    request_cancel(made.id);
    how(held);
    EXPECT_EQ(stored(made.id).status, GenerationStatus::kCancelled);
    EXPECT_EQ(balance(), 10);
  };
  end_by([&](const Claim& held) { (void)fail(held, FailureKind::kRetryable); });
  end_by([&](const Claim&) {
    clock_.advance(1min);
    EXPECT_TRUE(nothing_to_claim());
  });
  end_by([&](const Claim&) {
    clock_.advance(1min);
    EXPECT_EQ(work([](GenerationWork all) { return all.end_expired(); }), 1);
  });
}

TEST_F(GenerationWorkTest, AClaimThatNobodyLearnedOfIsFreeAtOnceAndCountsForNothing) {
  const Generation first = charged();
  clock_.advance(1s);
  charged();
  for (int i = 0; i < 5; ++i) {  // more often than there are attempts
    const Claim lost = claim();
    EXPECT_EQ(lost.generation_id, first.id) << "its place is the old one";
    EXPECT_EQ(lost.attempt, 1);
    EXPECT_TRUE(work([&](GenerationWork all) { return all.hand_back(lost); }));
    EXPECT_EQ(stored(first.id).status, GenerationStatus::kPending);
    EXPECT_FALSE(work([&](GenerationWork all) { return all.hand_back(lost); }));
  }
}

TEST_F(GenerationWorkTest, WhatSomebodyElseHoldsIsNotHandedBack) {
  charged();
  const Claim first = claim();
  clock_.advance(2min);
  const Claim second = claim("worker-2");
  EXPECT_FALSE(work([&](GenerationWork all) { return all.hand_back(first); }));
  EXPECT_TRUE(std::holds_alternative<StillHeld>(heartbeat(second)));
}

TEST_F(GenerationWorkTest, AClaimThatIsHandedBackIsCancelledWhereItsUserWantsIt) {
  const Generation generation = charged();
  const Claim lost = claim();
  request_cancel(generation.id);
  EXPECT_TRUE(work([&](GenerationWork all) { return all.hand_back(lost); }));
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kCancelled);
  EXPECT_TRUE(stored(generation.id).refunded_at);
}

}  // namespace
}  // namespace gesso::domain
