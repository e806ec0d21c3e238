#include "gesso/repositories/generation_repository.hpp"

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "tests/repositories/fixture.hpp"
#include "tests/support/tested_dialect.hpp"

namespace gesso::repositories {
namespace {

using namespace std::chrono_literals;
using models::Generation;
using models::GenerationId;
using models::GenerationStatus;
using models::UserId;

const UserId kAda = "user_ada";
const UserId kGrace = "user_grace";

class GenerationRepositoryTest : public RepositoryTest {
 protected:
  template <class F>
  auto generations(F&& unit) {
    return with<GenerationRepository>(std::forward<F>(unit));
  }
  std::optional<Generation> claim(std::chrono::milliseconds lease = 5min) {
    return generations(
        [&](GenerationRepository repository) { return repository.claim_next("worker-1", lease); });
  }
};

std::vector<std::string> prompts(const std::vector<Generation>& generations) {
  std::vector<std::string> texts;
  for (const Generation& generation : generations) texts.push_back(generation.prompt.str());
  return texts;
}
using Prompts = std::vector<std::string>;

TEST_F(GenerationRepositoryTest, ANewGenerationIsPendingAndHoldsTheWholeRequest) {
  generations([&](GenerationRepository repository) {
    const Generation made =
        repository.create_generation({.user_id = kAda,
                                      .prompt = "A lake at dusk",
                                      .negative_prompt = "people",
                                      .model_type = models::ModelType::kDalle3,
                                      .image_size = models::ImageSize::kLandscape1792,
                                      .num_images = 2,
                                      .guidance_scale = 9.5,
                                      .num_inference_steps = 30,
                                      .seed = 7});
    EXPECT_EQ(made.status, GenerationStatus::kPending);
    EXPECT_EQ(made.negative_prompt, "people");
    EXPECT_EQ(made.model_type, models::ModelType::kDalle3);
    EXPECT_EQ(made.image_size, models::ImageSize::kLandscape1792);
    EXPECT_EQ(made.num_images, 2);
    EXPECT_EQ(made.guidance_scale, 9.5);
    EXPECT_EQ(made.num_inference_steps, 30);
    EXPECT_EQ(made.seed->value(), 7);
    EXPECT_EQ(repository.find_by_id(made.id), made);
  });
}

TEST_F(GenerationRepositoryTest, AUsersListIsNewestFirstAndOfOneStatusIfAsked) {
  for (const char* prompt : {"one", "two", "three"}) {
    add_generation(kAda, prompt);
    clock_.advance(1s);
  }
  add_generation(kGrace, "other");
  generations([&](GenerationRepository repository) {
    EXPECT_EQ(prompts(repository.find_by_user(kAda)), (Prompts{"three", "two", "one"}));
    EXPECT_EQ(prompts(repository.find_by_user(kAda, {}, {.skip = 1, .limit = 1})), Prompts{"two"});
    const GenerationId two = repository.find_by_user(kAda)[1].id;
    repository.mark_as_failed(two, "no paint");
    EXPECT_EQ(prompts(repository.find_by_user(kAda, GenerationStatus::kFailed)), Prompts{"two"});
    EXPECT_EQ(prompts(repository.find_by_user(kAda, GenerationStatus::kPending)),
              (Prompts{"three", "one"}));
    EXPECT_EQ(prompts(repository.find_by_status(GenerationStatus::kPending)),
              (Prompts{"other", "three", "one"}));
    EXPECT_EQ(prompts(repository.get_pending_generations(2)), (Prompts{"one", "three"}));
  });
}

TEST_F(GenerationRepositoryTest, TheWayToCompletedIsTimed) {
  const Generation made = add_generation(kAda);
  generations([&](GenerationRepository repository) {
    const auto processing = repository.mark_as_processing(made.id, "pred_1");
    EXPECT_EQ(processing->status, GenerationStatus::kProcessing);
    EXPECT_EQ(processing->started_at, clock_.now());
    EXPECT_EQ(repository.find_by_replicate_prediction_id("pred_1"), processing);
    clock_.advance(5s);
    const auto completed =
        repository.mark_as_completed(made.id, {"https://a.example/1"}, {"https://b.example/1"});
    EXPECT_EQ(completed->status, GenerationStatus::kCompleted);
    EXPECT_EQ(completed->processing_time_ms->value(), 5000);
    EXPECT_EQ(completed->result_urls, std::vector<models::Url>{"https://a.example/1"});
    EXPECT_EQ(completed->blob_urls, std::vector<models::Url>{"https://b.example/1"});
    EXPECT_EQ(completed->completed_at, clock_.now());
  });
}

// Every move from every status, the legal ones named.
TEST_F(GenerationRepositoryTest, OnlyLegalMovesHappenAndOthersNameBothStates) {
  const auto to_status = [&](GenerationStatus status) {
    const Generation made = add_generation(kAda);
    generations([&](GenerationRepository repository) {
      if (status == GenerationStatus::kPending) return;
      if (status == GenerationStatus::kFailed) {
        repository.mark_as_failed(made.id, "no paint");
        return;
      }
      repository.mark_as_processing(made.id, made.id.str());
      if (status == GenerationStatus::kCompleted) repository.mark_as_completed(made.id, {}, {});
    });
    return made.id;
  };
  using Move = std::function<std::optional<Generation>(GenerationRepository&, const GenerationId&)>;
  const std::vector<std::pair<GenerationStatus, Move>> moves{
      {GenerationStatus::kProcessing,
       [](auto& repository, const auto& id) {
         return repository.mark_as_processing(id, "again_" + id.str());
       }},
      {GenerationStatus::kCompleted,
       [](auto& repository, const auto& id) { return repository.mark_as_completed(id, {}, {}); }},
      {GenerationStatus::kFailed,
       [](auto& repository, const auto& id) { return repository.mark_as_failed(id, "no"); }},
  };
  const std::set<std::pair<GenerationStatus, GenerationStatus>> legal{
      {GenerationStatus::kPending, GenerationStatus::kProcessing},
      {GenerationStatus::kPending, GenerationStatus::kFailed},
      {GenerationStatus::kProcessing, GenerationStatus::kCompleted},
      {GenerationStatus::kProcessing, GenerationStatus::kFailed}};
  for (const auto from : {GenerationStatus::kPending, GenerationStatus::kProcessing,
                          GenerationStatus::kCompleted, GenerationStatus::kFailed}) {
    for (const auto& [to, move] : moves) {
      const GenerationId id = to_status(from);
      const std::string what =
          std::string(schema::to_string(from)) + " to " + std::string(schema::to_string(to));
      generations([&](GenerationRepository repository) {
        if (legal.contains({from, to})) {
          EXPECT_EQ(move(repository, id)->status, to) << what;
          return;
        }
        const Error error = error_of([&] { move(repository, id); });
        EXPECT_EQ(error.kind(), ErrorKind::kConflict) << what;
        EXPECT_NE(std::string(error.what()).find("is " + std::string(schema::to_string(from))),
                  std::string::npos)
            << error.what();
        EXPECT_NE(std::string(error.what()).find("become " + std::string(schema::to_string(to))),
                  std::string::npos)
            << error.what();
        EXPECT_EQ(repository.find_by_id(id)->status, from) << what;
      });
    }
  }
  generations([&](GenerationRepository repository) {
    EXPECT_EQ(repository.mark_as_failed("gen_none", "no"), std::nullopt);
    EXPECT_EQ(repository.mark_as_processing("gen_none", "p"), std::nullopt);
    EXPECT_EQ(repository.mark_as_completed("gen_none", {}, {}), std::nullopt);
  });
}

TEST_F(GenerationRepositoryTest, AFailureIsKeptWhateverItsText) {
  generations([&](GenerationRepository repository) {
    const auto message_of = [&](const std::string& reason) {
      return repository.mark_as_failed(add_generation(kAda).id, reason)->error_message->str();
    };
    EXPECT_EQ(message_of("no paint"), "no paint");
    EXPECT_EQ(message_of(std::string(5000, 'x')), std::string(2000, 'x'));
    EXPECT_EQ(message_of("\xff\xfe"), "(no readable reason was given)");
    EXPECT_EQ(message_of(""), "(no readable reason was given)");
  });
}

TEST_F(GenerationRepositoryTest, TwoPredictionsDoNotShareAnId) {
  const Generation one = add_generation(kAda);
  const Generation two = add_generation(kAda);  // neither has a prediction yet: no collision
  generations([&](GenerationRepository repository) {
    repository.mark_as_processing(one.id, "pred_1");
    const Error error = error_of([&] { repository.mark_as_processing(two.id, "pred_1"); });
    EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
    EXPECT_EQ(error.field(), "replicate_prediction_id");
  });
}

TEST_F(GenerationRepositoryTest, TheOldestIsClaimedFirstAndOnce) {
  for (const char* prompt : {"one", "two"}) {
    add_generation(kAda, prompt);
    clock_.advance(1s);
  }
  EXPECT_EQ(claim()->prompt, "one");
  const auto two = claim();
  EXPECT_EQ(two->prompt, "two");
  EXPECT_EQ(two->status, GenerationStatus::kProcessing);
  EXPECT_EQ(two->started_at, clock_.now());
  EXPECT_EQ(two->lease_owner, "worker-1");
  EXPECT_EQ(two->attempts, 1);
  EXPECT_EQ(claim(), std::nullopt);
}

TEST_F(GenerationRepositoryTest, AnExpiredLeaseIsClaimedAgain) {
  const Generation made = add_generation(kAda);
  EXPECT_TRUE(claim(1min));
  clock_.advance(1min - 1ms);
  EXPECT_EQ(claim(1min), std::nullopt);
  clock_.advance(1ms);
  const auto again = claim(1min);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, made.id);
  EXPECT_EQ(again->attempts, 2);
}

TEST_F(GenerationRepositoryTest, OneExpiredLeaseGoesToOneOfManyClaimers) {
  for (int round = 0; round < 10; ++round) {
    const Generation made = add_generation(kAda);
    EXPECT_EQ(claim(1min)->id, made.id);
    clock_.advance(1min);
    std::atomic<int> claims = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
          if (claim(1min)) ++claims;
        });
      }
    }
    EXPECT_EQ(claims, 1);
    generations([&](GenerationRepository repository) {
      EXPECT_EQ(repository.find_by_id(made.id)->attempts, 2);
      repository.mark_as_failed(made.id, "no paint");
    });
  }
}

TEST_F(GenerationRepositoryTest, ALeaseLastsAMillisecondAtLeast) {
  add_generation(kAda);
  EXPECT_EQ(error_of([&] { claim(0ms); }).kind(), ErrorKind::kValidation);
}

TEST_F(GenerationRepositoryTest, TheOldestIsClaimedFirstEvenWhereItsLeaseExpired) {
  const Generation oldest = add_generation(kAda, "oldest");
  EXPECT_EQ(claim(1min)->id, oldest.id);
  clock_.advance(1s);
  add_generation(kAda, "newer");
  clock_.advance(1h);
  EXPECT_EQ(claim(1min)->id, oldest.id);
  EXPECT_EQ(claim(1min)->prompt, "newer");
}

TEST_F(GenerationRepositoryTest, AWorkerMakesOnePredictionOfWhatItHasClaimed) {
  add_generation(kAda);
  const auto claimed = claim();
  generations([&](GenerationRepository repository) {
    EXPECT_EQ(repository.mark_as_processing(claimed->id, "pred_1")->replicate_prediction_id,
              "pred_1");
    EXPECT_EQ(error_of([&] { repository.mark_as_processing(claimed->id, "pred_2"); }).kind(),
              ErrorKind::kConflict);
  });
}

TEST_F(GenerationRepositoryTest, WhatIsHiddenTakesItsIdAndIsFoundByNothingElse) {
  const Generation shown = add_generation(kAda);
  generations([&](GenerationRepository repository) {
    Generation hidden = repository.make_generation({.user_id = kAda, .prompt = "(hidden)"});
    hidden.voided_at = clock_.now();
    repository.insert(hidden);
    EXPECT_EQ(repository.find_stored(hidden.id), hidden);
    EXPECT_EQ(error_of([&] { repository.insert(hidden); }).kind(), ErrorKind::kDuplicate);
    EXPECT_EQ(repository.find_by_id(hidden.id), std::nullopt);
    EXPECT_EQ(repository.find_by_user(kAda), std::vector<Generation>{shown});
    EXPECT_EQ(repository.find_by_user(kAda, GenerationStatus::kPending),
              std::vector<Generation>{shown});
    EXPECT_EQ(repository.page_by_user(kAda).items, std::vector<Generation>{shown});
    EXPECT_EQ(repository.get_pending_generations(), std::vector<Generation>{shown});
    EXPECT_EQ(repository.get_user_stats(kAda).total_generations, 1);
    EXPECT_EQ(repository.mark_as_failed(hidden.id, "no"), std::nullopt);
    EXPECT_EQ(repository.find_by_id(shown.id), repository.find_stored(shown.id));
    EXPECT_EQ(repository.claim_next("worker")->id, shown.id);
    EXPECT_EQ(repository.claim_next("worker"), std::nullopt);
  });
}

TEST_F(GenerationRepositoryTest, WhatIsProcessingIsNotClaimed) {
  const Generation made = add_generation(kAda);
  generations(
      [&](GenerationRepository repository) { repository.mark_as_processing(made.id, "pred_1"); });
  clock_.advance(24h);
  EXPECT_EQ(claim(), std::nullopt);
}

TEST_F(GenerationRepositoryTest, ManyClaimersEmptyTheQueueAndEachGenerationIsClaimedOnce) {
  constexpr int kClaimers = 16;
  const std::size_t queue = testing::many(5000, 200);
  generations([&](GenerationRepository repository) {
    std::vector<Generation> batch;
    for (std::size_t i = 0; i < queue; ++i) {
      batch.push_back(repository.make_generation({.user_id = kAda, .prompt = "A lake"}));
      if (i % 7 == 0) clock_.advance(1ms);
    }
    const CreateManyResult created = repository.create_many(batch);
    ASSERT_EQ(created.created, queue);
  });
  std::mutex mutex;
  std::set<std::string> claimed;
  std::size_t claims = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kClaimers; ++i) {
    threads.emplace_back([&, worker = "worker-" + std::to_string(i)] {
      const auto claim = [&] {
        return generations(
            [&](GenerationRepository repository) { return repository.claim_next(worker); });
      };
      while (const auto generation = claim()) {
        const std::lock_guard lock(mutex);
        claimed.insert(generation->id.str());
        ++claims;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(claims, queue);
  EXPECT_EQ(claimed.size(), queue);
}

TEST_F(GenerationRepositoryTest, StatsCountTimeAndCredits) {
  generations([&](GenerationRepository repository) {
    // 20 completed, of 1 to 20 seconds: the 95th percentile is the 19th of them.
    for (int i = 20; i >= 1; --i) {
      const Generation made =
          repository.create_generation({.user_id = kAda, .prompt = "A lake", .cost_credits = 2});
      repository.mark_as_processing(made.id, made.id.str());
      clock_.advance(std::chrono::seconds(i));
      repository.mark_as_completed(made.id, {}, {});
    }
    const Generation failed = add_generation(kAda);
    repository.mark_as_failed(failed.id, "no paint");
    const Generation processing = add_generation(kAda);
    repository.mark_as_processing(processing.id, "pred_1");
    add_generation(kAda);
    add_generation(kAda);
    add_generation(kGrace);

    const GenerationStats stats = repository.get_user_stats(kAda);
    EXPECT_EQ(stats.total_generations, 24);
    EXPECT_EQ(stats.completed_generations, 20);
    EXPECT_EQ(stats.failed_generations, 1);
    EXPECT_EQ(stats.processing_generations, 1);
    EXPECT_EQ(stats.pending_generations, 2);
    EXPECT_EQ(stats.average_processing_time_ms, 10500);
    EXPECT_EQ(stats.p95_processing_time_ms, 19000);
    EXPECT_EQ(stats.credits_spent, 20 * 2 + 4);

    const GenerationStats none = repository.get_user_stats("user_nobody");
    EXPECT_EQ(none.total_generations, 0);
    EXPECT_EQ(none.average_processing_time_ms, std::nullopt);
    EXPECT_EQ(none.p95_processing_time_ms, std::nullopt);
  });
}

TEST_F(GenerationRepositoryTest, ThePercentileOfAFewIsTheNearestRank) {
  generations([&](GenerationRepository repository) {
    // In the order of their times: of up to 20, rank 0.95 n rounded up is the slowest but of 20.
    for (int n = 1; n <= 21; ++n) {
      const Generation made = add_generation(kAda);
      repository.mark_as_processing(made.id, made.id.str());
      clock_.advance(std::chrono::seconds(n));
      repository.mark_as_completed(made.id, {}, {});
      const std::int64_t expected = n <= 19 ? n : n - 1;
      EXPECT_EQ(repository.get_user_stats(kAda).p95_processing_time_ms, expected * 1000) << n;
    }
  });
}

}  // namespace
}  // namespace gesso::repositories
