#include "gesso/worker/claim_list.hpp"

#include <algorithm>
#include <utility>

namespace gesso::worker {

using repositories::ClaimCandidate;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kFarthest = 16'384;  // of a look
constexpr int kRest = 4;                   // after a look, for each of its own time

}  // namespace

std::optional<ClaimCandidate> ClaimList::take(Fairness& fairness, Instant now) {
  if (!may_take() || is_old(now) || !fairness.has_room()) return std::nullopt;
  const auto chosen = std::ranges::find_if(candidates_, [&](const ClaimCandidate& candidate) {
    return fairness.take(candidate.user_id, candidate.model_type);
  });
  if (chosen == candidates_.end()) {
    is_refused_ = true;
    goes_deeper_ = has_more_ && depth_ < kFarthest;
    return std::nullopt;
  }
  std::optional<ClaimCandidate> taken = std::move(*chosen);
  candidates_.erase(chosen);
  return taken;
}

void ClaimList::was_lost(double where) {
  const auto place = static_cast<double>(candidates_.size()) * std::clamp(where, 0.0, 1.0);
  std::ranges::rotate(candidates_, candidates_.begin() + static_cast<std::ptrdiff_t>(place));
}

std::optional<ClaimList::Instant> ClaimList::due(Instant now) const {
  if (looking_) return std::nullopt;
  if (goes_deeper_) return now;
  const bool is_used_up = candidates_.empty() && has_more_;
  const bool is_stale = may_take() && is_old(now);
  if (has_news_ || is_used_up || is_stale) return std::max(now, not_before_);
  return std::max(poll_at_, not_before_);
}

std::optional<std::size_t> ClaimList::begin_look(Instant now) {
  const auto at = due(now);
  if (!at || *at > now) return std::nullopt;
  depth_ =
      std::exchange(goes_deeper_, false) ? std::min(depth_ * 4, kFarthest) : options_.look_ahead;
  looking_ = now;
  has_news_ = false;
  return depth_;
}

void ClaimList::poll_later(Instant now) {
  poll_every_ = std::min(options_.poll_max, poll_every_ * 2);
  poll_at_ = now + poll_every_;
}

void ClaimList::looked(std::vector<ClaimCandidate> found, const Fairness& fairness, Instant now) {
  const auto took = now - *std::exchange(looking_, std::nullopt);
  const bool is_cut = found.size() >= depth_;
  fairness.arrange(found);
  // Those that may be claimed as things stand come first, so that they are on the list.
  const auto refused = std::ranges::stable_partition(found, [&](const ClaimCandidate& candidate) {
    return fairness.has_room_for(candidate.user_id, candidate.model_type);
  });
  is_refused_ = refused.begin() == found.begin();
  has_more_ = is_cut || found.size() > options_.look_ahead;
  goes_deeper_ = is_refused_ && is_cut && depth_ < kFarthest;
  if (found.size() > options_.look_ahead) {
    found.erase(found.begin() + static_cast<std::ptrdiff_t>(options_.look_ahead), found.end());
  }
  candidates_ = std::move(found);
  looked_at_ = now;
  not_before_ = now + std::min<Instant::duration>(took * kRest, options_.poll_max);
  if (is_refused_) {
    poll_later(now);
  } else {
    poll_every_ = options_.poll_min;
    poll_at_ = now + poll_every_;
  }
}

void ClaimList::look_failed(Instant now) {
  looking_.reset();
  claim_failed(now);
}

void ClaimList::claim_failed(Instant now) {
  candidates_.clear();
  goes_deeper_ = has_more_ = false;
  poll_later(now);
  not_before_ = poll_at_;
}

ClaimList::Instant ClaimList::next(Instant now) const {
  if (may_take() && !is_old(now)) return now;
  return due(now).value_or(Instant::max());
}

}  // namespace gesso::worker
