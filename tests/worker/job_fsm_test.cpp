#include "gesso/worker/job_fsm.hpp"

#include <gmock/gmock.h>

namespace gesso::worker {
namespace {

using namespace std::chrono_literals;
using domain::FailureKind;
using State = JobFsm::State;
using models::ForeignId;
using providers::Busy;
using providers::NoAnswer;
using providers::Refused;
using providers::Stopped;
using providers::Unknown;
using providers::Working;

const ForeignId kId = "pred_1";

JobFsm::Known remembering() { return {.remembers = true}; }

// Begins, notes and asks: what follows an answer of the provider's is next.
JobFsm asked(JobFsm::Known known = remembering()) {
  JobFsm fsm(std::move(known));
  EXPECT_EQ(fsm.start().state, State::kNoting);
  EXPECT_EQ(fsm.resume(JobFsm::Held{}).state, State::kAsking);
  return fsm;
}
JobFsm polling() {
  JobFsm fsm = asked();
  EXPECT_EQ(fsm.resume(Working{.id = kId}).state, State::kRecording);
  EXPECT_EQ(fsm.resume(JobFsm::Held{}).state, State::kPolling);
  return fsm;
}

TEST(JobFsm, APredictionIsMadeRecordedPolledSavedAndCompleted) {
  JobFsm fsm = polling();
  EXPECT_EQ(fsm.id(), kId);
  const auto later = fsm.resume(Working{.id = kId});
  EXPECT_EQ(later.state, State::kPolling);
  EXPECT_EQ(later.after, 1s);
  EXPECT_GT(fsm.resume(Working{.id = kId}).after, 1s);
  EXPECT_EQ(fsm.resume(JobFsm::Imaged{}).state, State::kSaving);
  EXPECT_EQ(fsm.resume(JobFsm::Saved{}).state, State::kCompleting);
  EXPECT_EQ(fsm.resume(JobFsm::Held{}).state, State::kOver);
  EXPECT_FALSE(fsm.removes_images());
}

TEST(JobFsm, WhatIsFreeIsAskedForWithoutBeingNoted) {
  JobFsm fsm({.is_free = true});
  EXPECT_EQ(fsm.start().state, State::kAsking);
  EXPECT_EQ(fsm.resume(JobFsm::Imaged{}).state, State::kSaving);
}

TEST(JobFsm, WhoeverClaimsNextGoesOnFromWhatIsWrittenDown) {
  EXPECT_EQ(JobFsm({.remembers = true, .was_asked = true, .id = kId}).start().state,
            State::kPolling);
  EXPECT_EQ(JobFsm({.remembers = true, .was_asked = true}).start().state, State::kFinding);
  EXPECT_EQ(JobFsm({.was_asked = true}).start().state, State::kNoting);
}

TEST(JobFsm, ALostAnswerIsLookedForTwiceBeforeItIsAskedForAnew) {
  JobFsm fsm = asked();
  const auto first = fsm.resume(NoAnswer{"silence"});
  EXPECT_EQ(first.state, State::kFinding);
  EXPECT_GT(first.after, 0ms);
  const auto second = fsm.resume(Unknown{});  // a list may be behind
  EXPECT_EQ(second.state, State::kFinding);
  EXPECT_GT(second.after, 0ms);
  EXPECT_EQ(fsm.resume(Unknown{}).state, State::kNoting);
}

TEST(JobFsm, APredictionWhoseAnswerWasLostIsFoundAgain) {
  JobFsm fsm = asked();
  EXPECT_EQ(fsm.resume(NoAnswer{"silence"}).state, State::kFinding);
  EXPECT_EQ(fsm.resume(Working{.id = kId}).state, State::kRecording);
  EXPECT_EQ(fsm.resume(JobFsm::Held{}).state, State::kPolling);
}

TEST(JobFsm, ALostAnswerOfAProviderThatRemembersNothingIsAnotherAttempts) {
  JobFsm fsm = asked({});
  EXPECT_EQ(fsm.resume(NoAnswer{"silence"}).state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kRetryable);
  EXPECT_EQ(fsm.reason(), "silence");
}

TEST(JobFsm, ABusyProviderIsAskedAgainAsLateAsItSays) {
  JobFsm fsm = asked();
  auto step = fsm.resume(Busy{.retry_after = 30s, .reason = "throttled"});
  EXPECT_EQ(step.state, State::kAsking);
  EXPECT_EQ(step.after, 30s);
  for (int i = 0; i < 4; ++i) step = fsm.resume(Busy{.reason = "throttled"});
  EXPECT_EQ(step.state, State::kAsking);
  EXPECT_EQ(fsm.resume(Busy{.reason = "throttled"}).state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kRetryable);
}

TEST(JobFsm, WhatIsCancelledWhileTheProviderIsBusyIsPaidBack) {
  JobFsm fsm = asked();
  (void)fsm.resume(Busy{.reason = "throttled"});  // nothing was begun
  fsm.cancel();
  EXPECT_EQ(fsm.interrupted().state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kFinal);
}

TEST(JobFsm, ARefusalIsFinal) {
  JobFsm fsm = asked();
  EXPECT_EQ(fsm.resume(Refused{"NSFW content detected"}).state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kFinal);
  EXPECT_EQ(fsm.reason(), "NSFW content detected");
  EXPECT_EQ(fsm.resume(JobFsm::Held{}).state, State::kOver);
  EXPECT_TRUE(fsm.removes_images());
}

TEST(JobFsm, APredictionThatIsAnotherGenerationsIsNotTaken) {
  JobFsm fsm = asked();
  EXPECT_EQ(fsm.resume(Working{.id = kId}).state, State::kRecording);
  EXPECT_EQ(fsm.resume(JobFsm::Taken{}).state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kFinal);
}

TEST(JobFsm, WhatIsCancelledBeforeAnybodyWorkedForItIsPaidBack) {
  JobFsm fsm(remembering());
  fsm.cancel();
  EXPECT_EQ(fsm.start().state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kFinal);
}

TEST(JobFsm, WhatIsCancelledAtTheProviderIsStoppedThere) {
  JobFsm fsm = polling();
  EXPECT_EQ(fsm.resume(Working{.id = kId}).after, 1s);
  fsm.cancel();
  const auto step = fsm.interrupted();
  EXPECT_EQ(step.state, State::kStopping);
  EXPECT_EQ(step.after, 0ms);
  EXPECT_EQ(fsm.resume(Working{.id = kId}).state, State::kPolling);  // it takes its time
  EXPECT_EQ(fsm.resume(Stopped{.had_begun = true, .reason = "stopped"}).state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kCancelled);
}

TEST(JobFsm, WhatWasCancelledBeforeTheProviderBeganIsPaidBack) {
  JobFsm fsm = polling();
  fsm.cancel();
  EXPECT_EQ(fsm.resume(Working{.id = kId}).state, State::kStopping);
  EXPECT_EQ(fsm.resume(Stopped{.had_begun = false, .reason = "stopped"}).state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kFinal);
}

TEST(JobFsm, WhatIsPaintedWhenItIsCancelledIsCompleted) {
  JobFsm fsm = polling();
  fsm.cancel();
  EXPECT_EQ(fsm.resume(JobFsm::Imaged{}).state, State::kSaving);
  EXPECT_EQ(fsm.resume(JobFsm::Saved{}).state, State::kCompleting);
}

TEST(JobFsm, AProviderThatSomebodyElseStoppedHasFailed) {
  JobFsm fsm = polling();
  EXPECT_EQ(fsm.resume(Stopped{.had_begun = true, .reason = "stopped"}).state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kFinal);
}

TEST(JobFsm, AProcessThatEndsHandsBackWhatWaitsAndKeepsWhatIsPainted) {
  JobFsm waiting = polling();
  EXPECT_EQ(waiting.resume(Working{.id = kId}).state, State::kPolling);
  waiting.end();
  EXPECT_EQ(waiting.interrupted().state, State::kHandingBack);

  JobFsm fresh(remembering());
  fresh.end();
  EXPECT_EQ(fresh.start().state, State::kHandingBack);

  JobFsm painted = polling();
  painted.end();
  EXPECT_EQ(painted.resume(JobFsm::Imaged{}).state, State::kSaving);
  EXPECT_EQ(painted.resume(JobFsm::Saved{}).state, State::kCompleting);
}

TEST(JobFsm, WhatIsToStopIsNotHandedBackByAProcessThatEnds) {
  JobFsm fsm = polling();
  fsm.cancel();
  fsm.end();
  EXPECT_EQ(fsm.resume(Working{.id = kId}).state, State::kStopping);
}

TEST(JobFsm, ADatabaseThatIsAwayIsAskedAgainAndTheClaimThenLeftToExpire) {
  JobFsm fsm({.is_free = true}, {.write_failures = 3});
  EXPECT_EQ(fsm.start().state, State::kAsking);
  EXPECT_EQ(fsm.resume(JobFsm::Imaged{}).state, State::kSaving);
  EXPECT_EQ(fsm.resume(JobFsm::Saved{}).state, State::kCompleting);
  for (int i = 0; i < 2; ++i) {
    const auto step = fsm.resume(JobFsm::Away{});
    EXPECT_EQ(step.state, State::kCompleting);
    EXPECT_GT(step.after, 0ms);
  }
  EXPECT_EQ(fsm.resume(JobFsm::Away{}).state, State::kOver);
  EXPECT_FALSE(fsm.removes_images());
}

TEST(JobFsm, AClaimThatIsAnothersEndsItAndLeavesTheImagesAlone) {
  for (int steps = 0; steps < 2; ++steps) {
    JobFsm fsm(remembering());
    EXPECT_EQ(fsm.start().state, State::kNoting);
    if (steps > 0) {
      EXPECT_EQ(fsm.resume(JobFsm::Held{}).state, State::kAsking);
      EXPECT_EQ(fsm.resume(Working{.id = kId}).state, State::kRecording);
    }
    EXPECT_EQ(fsm.resume(JobFsm::Lost{}).state, State::kOver);
    EXPECT_FALSE(fsm.removes_images());
  }
}

TEST(JobFsm, AGenerationThatWasDeletedTakesItsImagesAlong) {
  JobFsm fsm({.is_free = true});
  EXPECT_EQ(fsm.start().state, State::kAsking);
  EXPECT_EQ(fsm.resume(JobFsm::Imaged{}).state, State::kSaving);
  EXPECT_EQ(fsm.resume(JobFsm::Saved{}).state, State::kCompleting);
  EXPECT_EQ(fsm.resume(JobFsm::Gone{}).state, State::kOver);
  EXPECT_TRUE(fsm.removes_images());
}

TEST(JobFsm, AStoreThatFailsIsTriedAgainAndThenAnotherAttemptIs) {
  JobFsm fsm({.is_free = true}, {.save_failures = 2});
  EXPECT_EQ(fsm.start().state, State::kAsking);
  EXPECT_EQ(fsm.resume(JobFsm::Imaged{}).state, State::kSaving);
  EXPECT_EQ(fsm.resume(JobFsm::NotSaved{.may_pass = true, .reason = "full"}).state, State::kSaving);
  EXPECT_EQ(fsm.resume(JobFsm::NotSaved{.may_pass = true, .reason = "full"}).state,
            State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kRetryable);
  EXPECT_EQ(fsm.resume(JobFsm::Held{}).state, State::kOver);
  EXPECT_FALSE(fsm.removes_images());
}

TEST(JobFsm, AProviderThatNeverEndsIsStoppedAndThenGivenUp) {
  JobFsm fsm({.remembers = true, .was_asked = true, .id = kId},
             {.poll_min = 1min, .poll_max = 1min, .patience = 5min});
  EXPECT_EQ(fsm.start().state, State::kPolling);
  auto step = fsm.resume(Working{.id = kId});
  int polls = 0;
  while (step.state == State::kPolling && polls < 20) {
    step = fsm.resume(Working{.id = kId});
    ++polls;
  }
  EXPECT_EQ(step.state, State::kStopping);
  EXPECT_EQ(polls, 5);
  EXPECT_EQ(fsm.resume(Working{.id = kId}).state, State::kFailing);
  EXPECT_EQ(fsm.failure(), FailureKind::kFinal);
}

}  // namespace
}  // namespace gesso::worker
