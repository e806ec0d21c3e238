#include "gesso/domain/predictions.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <utility>

#include "gesso/repositories/usage_log_repository.hpp"
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

// ---- what is read -------------------------------------------------------------------------------

Prediction parsed(std::string_view body) {
  auto read = parse_prediction(body);
  const auto* malformed = std::get_if<MalformedEvent>(&read);
  EXPECT_EQ(malformed, nullptr) << malformed->why;
  return std::get<Prediction>(std::move(read));
}

TEST(ParsePredictionTest, ReadsWhatReplicateSends) {
  const Prediction prediction = parsed(R"({
    "id": "ufawqhfynnddngldkgtslldrkq", "model": "stability-ai/sdxl", "version": "hidden",
    "created_at": "2026-04-26T22:13:06.224088Z", "started_at": "2026-04-26T22:13:06.224088Z",
    "completed_at": null, "status": "succeeded", "input": {"prompt": "A lake"}, "error": null,
    "output": ["https://replicate.delivery/a/out-0.png", "https://replicate.delivery/a/out-1.png"],
    "webhook": "https://paint.example/webhooks/replicate?x=1&gen=gen_01ARZ3NDEKTSV4RRFFQ69G5FAV#y",
    "metrics": {"predict_time": 1.5}})");
  EXPECT_EQ(prediction.id, "ufawqhfynnddngldkgtslldrkq");
  EXPECT_EQ(prediction.status, PredictionStatus::kSucceeded);
  EXPECT_EQ(prediction.output,
            (std::vector<models::Url>{"https://replicate.delivery/a/out-0.png",
                                      "https://replicate.delivery/a/out-1.png"}));
  EXPECT_TRUE(prediction.has_begun);
  EXPECT_EQ(prediction.generation_id, GenerationId("gen_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
}

TEST(ParsePredictionTest, ReadsOneFileAndLeavesOutWhatIsNone) {
  const auto urls = [](std::string_view output) {
    return parsed(R"({"id": "p", "status": "succeeded", "output": )" + std::string(output) + "}")
        .output;
  };
  EXPECT_EQ(urls(R"("https://a.example/1.png")"),
            (std::vector<models::Url>{"https://a.example/1.png"}));
  EXPECT_TRUE(urls("null").empty());
  EXPECT_TRUE(urls(R"("once upon a time")").empty());
  EXPECT_TRUE(urls(R"({"text": "https://a.example"})").empty());
  EXPECT_EQ(urls(R"(["data:image/png;base64,AAAA", 7, null, "https://a.example/2.png"])").size(),
            1U);
  EXPECT_TRUE(urls("[\"https://a.example/" + std::string(3000, 'a') + "\"]").empty());
}

TEST(ParsePredictionTest, AStateThatIsNotKnownIsNone) {
  const Prediction prediction = parsed(R"({"id": "p", "status": "pondering"})");
  EXPECT_EQ(prediction.status, std::nullopt);
  EXPECT_FALSE(prediction.has_begun);
  EXPECT_EQ(prediction.generation_id, std::nullopt);
}

TEST(ParsePredictionTest, WhatIsNoPredictionIsMalformed) {
  for (const std::string_view body :
       {"", "[]", "{", R"({"status": "failed"})", R"({"id": "p"})",
        R"({"id": 7, "status": "failed"})", R"({"id": "p", "status": 7})"}) {
    EXPECT_TRUE(std::holds_alternative<MalformedEvent>(parse_prediction(body))) << body;
  }
}

// ---- what is applied ----------------------------------------------------------------------------

class PredictionsTest : public RepositoryTest {
 protected:
  std::optional<User> ada_;

  void SetUp() override {
    RepositoryTest::SetUp();
    ada_ = add_user("ada@example.com", 100);
  }
  Generation charged(std::int64_t credits = 4) {
    return with<Charging>([&](Charging charging) {
      return std::get<Generation>(charging.charge_and_create(
          {.user_id = ada_->id, .prompt = "A lake", .cost_credits = credits}));
    });
  }
  // Whose prediction is known.
  Generation predicted(std::string_view prediction) {
    const Generation made = charged();
    return *with<GenerationRepository>([&](GenerationRepository generations) {
      return generations.mark_as_processing(made.id, prediction);
    });
  }
  PredictionOutcome apply(const std::optional<GenerationId>& addressed,
                          const Prediction& prediction) {
    return with<Predictions>(
        [&](Predictions predictions) { return predictions.apply(addressed, prediction).outcome; });
  }
  static Prediction told(std::string_view id, PredictionStatus status) {
    Prediction prediction{.id = models::ForeignId(id), .status = status};
    if (status == PredictionStatus::kSucceeded) prediction.output = {"https://r.example/1.png"};
    if (status == PredictionStatus::kFailed) prediction.error = "NSFW content detected";
    prediction.has_begun =
        status != PredictionStatus::kStarting && status != PredictionStatus::kAborted;
    return prediction;
  }
  Generation stored(const GenerationId& id) {
    return *with<GenerationRepository>(
        [&](GenerationRepository generations) { return generations.find_by_id(id); });
  }
  std::int64_t balance() {
    return with<UserRepository>([&](UserRepository users) {
      return users.find_by_id(ada_->id)->credits_remaining.value();
    });
  }
};

TEST_F(PredictionsTest, WhatSucceededIsCompletedWithItsImages) {
  const Generation generation = predicted("p");
  clock_.advance(1500ms);
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kSucceeded)),
            PredictionOutcome::kApplied);
  const Generation done = stored(generation.id);
  EXPECT_EQ(done.status, GenerationStatus::kCompleted);
  EXPECT_EQ(done.result_urls, (std::vector<models::Url>{"https://r.example/1.png"}));
  EXPECT_EQ(done.processing_time_ms, 1500);
  EXPECT_EQ(balance(), 96);
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kSucceeded)),
            PredictionOutcome::kRepeated);
  EXPECT_EQ(stored(generation.id), done);
}

TEST_F(PredictionsTest, WhatFailedIsPaidBack) {
  const Generation generation = predicted("p");
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kFailed)),
            PredictionOutcome::kApplied);
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kFailed);
  EXPECT_EQ(stored(generation.id).error_message, "NSFW content detected");
  EXPECT_EQ(balance(), 100);
}

TEST_F(PredictionsTest, ASuccessWithoutAnImageIsNone) {
  const Generation generation = predicted("p");
  Prediction empty = told("p", PredictionStatus::kSucceeded);
  empty.output.clear();
  apply(generation.id, empty);
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kFailed);
  EXPECT_EQ(balance(), 100);
}

TEST_F(PredictionsTest, WhatTheProviderGaveUpIsPaidBackAndWhatAUserStoppedIsNot) {
  const auto end = [&](PredictionStatus status, bool asked) {
    const Generation generation = predicted(ids_.next("p_"));
    if (asked) {
      run([&](mongo::Session& session) {
        (void)Generations(session, context_).cancel(ada_->id, generation.id);
      });
    }
    const std::int64_t before = balance();
    apply(generation.id, told(*generation.replicate_prediction_id, status));
    return std::pair(stored(generation.id).status, balance() - before);
  };
  using Ended = std::pair<GenerationStatus, std::int64_t>;
  EXPECT_EQ(end(PredictionStatus::kCanceled, false), Ended(GenerationStatus::kFailed, 4));
  EXPECT_EQ(end(PredictionStatus::kAborted, false), Ended(GenerationStatus::kFailed, 4));
  EXPECT_EQ(end(PredictionStatus::kAborted, true), Ended(GenerationStatus::kCancelled, 4));
  EXPECT_EQ(end(PredictionStatus::kFailed, true), Ended(GenerationStatus::kCancelled, 4));
  EXPECT_EQ(end(PredictionStatus::kCanceled, true), Ended(GenerationStatus::kCancelled, 0));
}

TEST_F(PredictionsTest, ProcessingBeginsWhatWaitsUnderALease) {
  const Generation generation = charged();
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kStarting)),
            PredictionOutcome::kApplied);
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kPending);
  EXPECT_EQ(stored(generation.id).replicate_prediction_id, "p");
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kStarting)),
            PredictionOutcome::kRepeated);
  clock_.advance(1s);
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kProcessing)),
            PredictionOutcome::kApplied);
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kProcessing);
  EXPECT_EQ(stored(generation.id).started_at, clock_.now());
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kProcessing)),
            PredictionOutcome::kRepeated);
  // No end is told: a worker may take it, and what it then hears late begins it no second time.
  const auto claim = [&] {
    return with<GenerationRepository>(
        [](GenerationRepository generations) { return generations.claim_next("worker"); });
  };
  EXPECT_EQ(claim(), std::nullopt);
  clock_.advance(6min);
  const auto claimed = claim();
  ASSERT_TRUE(claimed);
  const Claim held{generation.id, "worker", claimed->attempts.value()};
  run([&](mongo::Session& session) {
    (void)GenerationWork(session, context_).fail(held, FailureKind::kRetryable, "no paint");
  });
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kProcessing)),
            PredictionOutcome::kRepeated);
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kPending);
  // But its end counts, whoever holds it.
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kSucceeded)),
            PredictionOutcome::kApplied);
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kCompleted);
}

TEST_F(PredictionsTest, AWorkerWhoseGenerationWasEndedHasLostIt) {
  const Generation generation = charged();
  const auto claimed = with<GenerationRepository>(
      [](GenerationRepository generations) { return generations.claim_next("worker"); });
  const Claim held{generation.id, "worker", claimed->attempts.value()};
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kSucceeded)),
            PredictionOutcome::kApplied);
  run([&](mongo::Session& session) {
    EXPECT_TRUE(std::holds_alternative<LeaseLost>(
        GenerationWork(session, context_).fail(held, FailureKind::kFinal, "no paint")));
  });
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kCompleted);
  EXPECT_EQ(balance(), 96);
}

TEST_F(PredictionsTest, AnAnswerThatWasLostIsTakenFromTheEvent) {
  const Generation generation = charged();
  EXPECT_EQ(apply(generation.id, told("p", PredictionStatus::kSucceeded)),
            PredictionOutcome::kApplied);
  EXPECT_EQ(stored(generation.id).replicate_prediction_id, "p");
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kCompleted);
}

TEST_F(PredictionsTest, AnotherPredictionOfTheSameGenerationChangesNothing) {
  const Generation generation = predicted("p");
  for (const auto status :
       {PredictionStatus::kProcessing, PredictionStatus::kSucceeded, PredictionStatus::kFailed}) {
    EXPECT_EQ(apply(generation.id, told("q", status)), PredictionOutcome::kIgnored);
  }
  EXPECT_EQ(stored(generation.id), generation);
}

TEST_F(PredictionsTest, APredictionIsOneGenerationsOnly) {
  const Generation first = predicted("p");
  const Generation second = charged();
  EXPECT_EQ(apply(second.id, told("p", PredictionStatus::kSucceeded)), PredictionOutcome::kIgnored);
  EXPECT_EQ(stored(second.id).status, GenerationStatus::kPending);
  // Nor does an event reach another generation than the one that its signed body names.
  Prediction overheard = told("q", PredictionStatus::kSucceeded);
  overheard.generation_id = first.id;
  EXPECT_EQ(apply(second.id, overheard), PredictionOutcome::kIgnored);
  EXPECT_EQ(stored(second.id).status, GenerationStatus::kPending);
}

TEST_F(PredictionsTest, WithoutAnAddressThePredictionsIdTells) {
  const Generation generation = predicted("p");
  EXPECT_EQ(apply({}, told("p", PredictionStatus::kFailed)), PredictionOutcome::kApplied);
  EXPECT_EQ(stored(generation.id).status, GenerationStatus::kFailed);
  EXPECT_EQ(apply({}, told("q", PredictionStatus::kFailed)), PredictionOutcome::kIgnored);
  EXPECT_EQ(apply(GenerationId("gen_gone"), told("p", PredictionStatus::kFailed)),
            PredictionOutcome::kIgnored);
}

TEST_F(PredictionsTest, AStateThatIsNotKnownChangesNothing) {
  const Generation generation = predicted("p");
  EXPECT_EQ(apply(generation.id, Prediction{.id = "p"}), PredictionOutcome::kIgnored);
  EXPECT_EQ(stored(generation.id), generation);
}

// What a generation must be after events in any order.
struct Model {
  std::optional<std::string> prediction;
  bool has_begun = false;
  std::optional<PredictionStatus> end;  // the first that was told

  void tell(const std::string& id, PredictionStatus status) {
    if (end || (prediction && *prediction != id)) return;
    prediction = id;
    if (status == PredictionStatus::kProcessing) has_begun = true;
    if (status != PredictionStatus::kStarting && status != PredictionStatus::kProcessing) {
      end = status;
    }
  }
  [[nodiscard]] GenerationStatus status() const {
    if (end == PredictionStatus::kSucceeded) return GenerationStatus::kCompleted;
    if (end) return GenerationStatus::kFailed;
    return has_begun ? GenerationStatus::kProcessing : GenerationStatus::kPending;
  }
  [[nodiscard]] bool is_paid_back() const { return status() == GenerationStatus::kFailed; }
};

// Events of two predictions in random orders and repetitions, the process dying anywhere and the
// provider sending again what was not acknowledged, against the model.
TEST_F(PredictionsTest, OrdersRepetitionsAndCrashesLeadWhereTheModelDoes) {
  using enum PredictionStatus;
  constexpr std::array kAll{kStarting, kProcessing, kSucceeded, kFailed, kCanceled, kAborted};
  const bool may_crash = Database::get().has_fail_points();
  int crashes = 0;
  for (unsigned round = 0; round < 150; ++round) {
    std::mt19937 random(round);
    Database::get().clear();
    ada_ = add_user("ada@example.com", 100);
    Model model;
    const bool is_known = random() % 2 == 0;
    if (is_known) model = {.prediction = "p", .has_begun = true, .end = {}};
    const Generation generation = is_known ? predicted("p") : charged();
    for (auto left = 1 + random() % 6; left > 0; --left) {
      const PredictionStatus status = kAll[random() % kAll.size()];
      const std::string id = random() % 4 == 0 ? "q" : "p";
      for (bool acknowledged = false; !acknowledged;) {
        const bool crash = may_crash && random() % 3 == 0;
        if (crash) Database::get().fail_after(static_cast<int>(random() % 8));
        try {
          apply(generation.id, told(id, status));
          acknowledged = true;
        } catch (const Error&) {
          ++crashes;
        }
        if (crash) Database::get().stop_failing();
      }
      model.tell(id, status);
      const Generation now = stored(generation.id);
      ASSERT_EQ(now.status, model.status()) << round;
      ASSERT_EQ(now.replicate_prediction_id.has_value(), model.prediction.has_value()) << round;
      if (model.prediction) {
        ASSERT_EQ(now.replicate_prediction_id, *model.prediction) << round;
      }
      ASSERT_EQ(now.refund_due_at, std::nullopt) << round;
    }
    clock_.advance(6min);
    with<Charging>([](Charging charging) { charging.sweep(5min); });
    ASSERT_EQ(balance(), model.is_paid_back() ? 100 : 96) << round;
    const auto entries = with<UsageLogRepository>([&](UsageLogRepository logs) {
      return logs.find_by_user(ada_->id, {.from = clock_.now() - 24h, .to = clock_.now() + 1h});
    });
    std::int64_t spent = 0;
    for (const auto& entry : entries) spent += entry.credits_used;
    ASSERT_EQ(spent, 100 - balance()) << round;
  }
  if (may_crash) {
    EXPECT_GT(crashes, 50);
  }
}

}  // namespace
}  // namespace gesso::domain
