// What is to be done for one claimed generation, step by step: a state machine without I/O, clock
// or images. `JobRunner` (worker.hpp) does what it says and tells it what came of it.
//
//   state        does                        and goes on with
//   ---------------------------------------------------------------------------------------------
//   noting       writes down that a          held: asking
//                provider is asked
//   asking       asks it to begin            an id: recording; images: saving; refused: failing;
//                                            busy: asking, later; no answer: finding where the
//                                            provider remembers, else failing, for another attempt
//   finding      looks for what an earlier   an id: recording; unknown: asking (looked for again
//                request came to             where an answer was lost a moment ago)
//   recording    writes down the id          held: polling; another generation's: failing
//   polling      asks how far it is          working: polling, later; images: saving; refused,
//                                            stopped, unknown: failing
//   stopping     asks it to stop             working: polling; else as polling
//   saving       puts the images into the    saved: completing; failed: saving, later, and at last
//                store                       failing, for another attempt
//   completing   says that it is done        written: over
//   failing      says that it is not         written: over
//   handing_back gives the claim back        over
//
// A generation begins with polling where it has an id, with finding where it was asked for and has
// none, else with noting; with asking where to ask twice costs nothing. Where the database does not
// answer, the step is repeated; where the claim is another's by now, it is over. A generation that
// is gone takes its images along.
//
// Two things happen from outside. Its user wants it stopped: what waits or is at work is stopped,
// what is painted already is saved and completed. This process ends: what has not been asked for,
// or goes on without us, is handed back; what is painted is saved and completed.
//
// A value of one owner; not thread-safe; never blocks.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/domain/generation_work.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/providers/provider.hpp"

namespace gesso::worker {

struct JobOptions {
  std::chrono::milliseconds poll_min{1'000};  // grows by half with each, up to
  std::chrono::milliseconds poll_max{10'000};
  std::chrono::milliseconds retry_min{500};  // doubles with each failure, up to
  std::chrono::milliseconds retry_max{30'000};
  int busy_answers = 6;  // of one step, before another attempt is to try
  int save_failures = 5;
  int write_failures = 20;  // of the database, before the claim is left to expire
  int looks = 2;            // for what became of a lost answer
  std::chrono::milliseconds patience = std::chrono::minutes(20);  // with a provider at work
};

class JobFsm {
 public:
  enum class State {
    kNoting,
    kAsking,
    kFinding,
    kRecording,
    kPolling,
    kStopping,
    kSaving,
    kCompleting,
    kFailing,
    kHandingBack,
    kOver,
  };

  // What the provider can, and what is known of the generation.
  struct Known {
    bool is_free = false;
    bool remembers = false;
    bool was_asked = false;
    std::optional<models::ForeignId> id = {};
  };

  // What came of a step. Of an answer the machine needs no images, but that there are some.
  struct Held {};
  struct Lost {};    // the claim is another's
  struct Gone {};    // the generation was deleted
  struct Away {};    // the database did not answer
  struct Taken {};   // the id is another generation's
  struct Imaged {};  // the provider gave images
  struct Saved {};
  struct NotSaved {
    bool may_pass = false;
    std::string reason;
  };
  using Outcome = std::variant<Held, Lost, Gone, Away, Taken, Imaged, Saved, NotSaved,
                               providers::Working, providers::Refused, providers::Stopped,
                               providers::Busy, providers::NoAnswer, providers::Unknown>;

  // The step to do next, once `after` has passed.
  struct Step {
    State state;
    std::chrono::milliseconds after{0};
  };

 private:
  JobOptions options_;
  Known known_;
  bool was_asked_before_;  // by an earlier claim
  State state_ = State::kNoting;
  int failures_ = 0;  // of this step
  int looks_ = 0;
  bool cancel_ = false;
  bool ending_ = false;
  bool was_stopped_ = false;  // we have asked the provider to stop
  bool removes_images_ = false;
  std::chrono::milliseconds poll_every_;
  std::chrono::milliseconds waited_{0};
  domain::FailureKind failure_ = domain::FailureKind::kFinal;
  std::string reason_;

 public:
  explicit JobFsm(Known known, JobOptions options = {});

  // What to begin with.
  [[nodiscard]] Step start();
  // What follows `outcome` of the step that was done.
  [[nodiscard]] Step resume(const Outcome& outcome);

  // The user wants it stopped, or this process ends. What to do instead of a step that waits for
  // its time, or was broken off; while one is being done the machine remembers, and goes on at its
  // `resume`.
  void cancel() { cancel_ = true; }
  void end() { ending_ = true; }
  [[nodiscard]] Step interrupted();
  // News of a provider's: a poll that waits need not.
  [[nodiscard]] bool waits_for_provider() const { return state_ == State::kPolling; }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::optional<models::ForeignId>& id() const { return known_.id; }
  // Of kFailing.
  [[nodiscard]] domain::FailureKind failure() const { return failure_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // At kOver: whether what is in the store under the generation's name is nobody's.
  [[nodiscard]] bool removes_images() const { return removes_images_; }

 private:
  Step go(State state, std::chrono::milliseconds after = std::chrono::milliseconds{0});
  Step fail(domain::FailureKind kind, std::string reason);
  Step over() { return go(State::kOver); }
  // The same step once more; `give_up` where it failed too often.
  template <class GiveUp>
  Step again(int most, std::optional<std::chrono::milliseconds> asked, GiveUp give_up);
  Step poll_later(std::chrono::milliseconds asked);
  // What the wish to stop, or the end, makes of a step that is about to be done.
  std::optional<Step> diverted();
  Step after_written(const Outcome& outcome);
  Step after_answer(const Outcome& outcome);
  Step after_save(const Outcome& outcome);
};

[[nodiscard]] std::string_view name_of(JobFsm::State state);
// "held", "lost", "busy", ...
[[nodiscard]] std::string_view name_of(const JobFsm::Outcome& outcome);

}  // namespace gesso::worker
