#include "gesso/domain/look_schedule.hpp"

#include <algorithm>
#include <utility>

namespace gesso::domain {

using models::GenerationId;

void LookSchedule::put(const GenerationId& id, Plan& plan, Instant due) {
  take_out(plan);
  plan.place = queue_.emplace(due, id);
}

void LookSchedule::take_out(Plan& plan) {
  if (plan.place) queue_.erase(*plan.place);
  plan.place.reset();
}

void LookSchedule::hurry(const GenerationId& id, Instant now) {
  const auto [at, is_new] = plans_.try_emplace(id);
  Plan& plan = at->second;
  if (is_new) plan.every = intervals_.min;
  if (!is_new && !plan.place) {
    plan.has_news = true;
  } else {
    put(id, plan, now);
  }
}

void LookSchedule::use(const LookIntervals& intervals, Instant now) {
  intervals_ = intervals;
  for (auto& [id, plan] : plans_) {
    plan.every = intervals_.min;
    hurry(id, now);
  }
}

void LookSchedule::expect_more(const GenerationId& id, Instant now) {
  const auto found = plans_.find(id);
  if (found == plans_.end()) return;
  Plan& plan = found->second;
  plan.every = intervals_.min;
  if (plan.place) put(id, plan, std::min((*plan.place)->first, now + plan.every));
}

void LookSchedule::remove(const GenerationId& id) {
  const auto found = plans_.find(id);
  if (found == plans_.end()) return;
  take_out(found->second);
  plans_.erase(found);
}

std::optional<LookSchedule::Instant> LookSchedule::next() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

std::vector<GenerationId> LookSchedule::take_due(Instant now) {
  std::vector<GenerationId> ids;
  if (queue_.empty() || queue_.begin()->first > now) return ids;
  const Instant horizon = now + std::max(intervals_.max, intervals_.retry) / 4;
  for (auto at = queue_.begin(); at != queue_.end() && at->first <= horizon;) {
    Plan& plan = plans_.at(at->second);
    if (at->first - plan.every / 4 > now) {
      ++at;
      continue;
    }
    ids.push_back(at->second);
    plan.place.reset();
    at = queue_.erase(at);
  }
  return ids;
}

void LookSchedule::looked(const GenerationId& id, Found found, Instant now) {
  const auto at = plans_.find(id);
  if (at == plans_.end()) return;  // nobody watches it any more
  Plan& plan = at->second;
  if (plan.place) return;  // it was removed and added again meanwhile: that look is to come
  const bool had_failed = std::exchange(plan.failed, found == Found::kFailed);
  switch (found) {
    case Found::kNews:
      plan.every = intervals_.min;
      break;
    case Found::kNothing:
      plan.every = had_failed ? intervals_.min : std::min(intervals_.max, plan.every * 3 / 2);
      break;
    case Found::kFailed:
      plan.every = had_failed ? std::min(intervals_.max, plan.every * 2) : intervals_.retry;
      break;
  }
  // What could not be looked at is not asked for at once again, whatever is new.
  const bool is_due = std::exchange(plan.has_news, false) && found != Found::kFailed;
  put(id, plan, is_due ? now : now + plan.every);
}

}  // namespace gesso::domain
