// What a worker may claim next, and when it has to look for more: one look at the queue brings a
// list, fair among users, from which many are claimed, until it is used up or too old to be fair to
// those who came since.
//
// A look costs the database something, so that all of them together take a fifth of the time at
// most: after one of 10 ms there is none for 40 ms. One is due where
//   - somebody said that there is news;
//   - the list is used up, and there was more behind it;
//   - something of it could be claimed, but it is old;
//   - or the time has come: soon after a look that brought something to claim, and ever more seldom
//     while none does.
// Where all that the list has is refused by the limits, one user's or one provider's perhaps, and
// there was more behind it, one that reaches further follows at once: others stand behind them.
//
// No I/O and no clock. Not thread-safe: whoever owns it guards it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "gesso/repositories/generation_repository.hpp"
#include "gesso/worker/fairness.hpp"

namespace gesso::worker {

struct ClaimListOptions {
  std::size_t look_ahead = 256;  // how many of the oldest are looked at, and the list holds
  std::chrono::milliseconds good_for{250};
  std::chrono::milliseconds poll_min{50};
  std::chrono::milliseconds poll_max{2'000};
};

class ClaimList {
 public:
  using Instant = std::chrono::steady_clock::time_point;

 private:
  ClaimListOptions options_;
  std::vector<repositories::ClaimCandidate> candidates_ = {};  // in the order of claims
  Instant looked_at_ = {};
  bool has_more_ = false;     // behind those of the list
  bool is_refused_ = false;   // all that the list has, as things stand
  bool goes_deeper_ = false;  // the next look, at once
  bool has_news_ = true;
  std::optional<Instant> looking_ = {};  // since when
  std::size_t depth_ = 0;                // how far it reaches, or the last one did
  Instant not_before_ = {};
  std::chrono::milliseconds poll_every_;
  Instant poll_at_ = {};

 public:
  explicit ClaimList(const ClaimListOptions& options)
      : options_(options), poll_every_(options.poll_min) {}

  // There may be something that no look has seen.
  void news() { has_news_ = true; }
  // Of what was refused something may be taken now.
  void room_was_made() { is_refused_ = false; }

  // The next one to claim, which counts as taken by `fairness` and is on the list no more;
  // std::nullopt where there is none, or the list is too old.
  [[nodiscard]] std::optional<repositories::ClaimCandidate> take(Fairness& fairness, Instant now);
  // Somebody else was faster with one, and will be with those beside it: the list goes on at
  // another place, a part `where` of it away (0 to 1).
  void was_lost(double where);

  // How many to look at, where a look is due; from then on it is being done, until one of the two
  // that follow is called.
  [[nodiscard]] std::optional<std::size_t> begin_look(Instant now);
  // What came of it. REQUIRES: a look is being done.
  void looked(std::vector<repositories::ClaimCandidate> found, const Fairness& fairness,
              Instant now);
  // The database did not answer to the look that is being done,
  void look_failed(Instant now);
  // or to a claim.
  void claim_failed(Instant now);

  // When there is something to claim or to look for.
  [[nodiscard]] Instant next(Instant now) const;
  [[nodiscard]] std::size_t size() const { return candidates_.size(); }

 private:
  [[nodiscard]] bool may_take() const { return !candidates_.empty() && !is_refused_; }
  [[nodiscard]] bool is_old(Instant now) const { return now - looked_at_ >= options_.good_for; }
  [[nodiscard]] std::optional<Instant> due(Instant now) const;
  void poll_later(Instant now);
};

}  // namespace gesso::worker
