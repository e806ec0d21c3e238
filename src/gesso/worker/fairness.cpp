#include "gesso/worker/fairness.hpp"

#include <algorithm>
#include <utility>

namespace gesso::worker {

using repositories::ClaimCandidate;

void Fairness::arrange(std::vector<ClaimCandidate>& candidates) const {
  // How many of the same user come before each, at work and among the candidates.
  std::map<models::UserId, std::size_t> before = by_user_;
  std::vector<std::pair<std::size_t, std::size_t>> order;  // that number, and the place
  order.reserve(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    order.emplace_back(before[candidates[i].user_id]++, i);
  }
  std::ranges::sort(order);
  std::vector<ClaimCandidate> arranged;
  arranged.reserve(candidates.size());
  for (const auto& [turn, place] : order) arranged.push_back(std::move(candidates[place]));
  candidates = std::move(arranged);
}

bool Fairness::has_room_for(const models::UserId& user, models::ModelType model) const {
  const std::size_t provider = provider_of(model);
  const auto of_user = by_user_.find(user);
  const std::size_t has = of_user == by_user_.end() ? 0 : of_user->second;
  return has_room() && has < limits_.per_user &&
         by_provider_.at(provider) < limits_.per_provider.at(provider);
}

bool Fairness::take(const models::UserId& user, models::ModelType model) {
  if (!has_room_for(user, model)) return false;
  ++all_;
  ++by_user_[user];
  ++by_provider_.at(provider_of(model));
  return true;
}

void Fairness::give_back(const models::UserId& user, models::ModelType model) {
  --all_;
  --by_provider_.at(provider_of(model));
  const auto of_user = by_user_.find(user);
  if (--of_user->second == 0) by_user_.erase(of_user);
}

}  // namespace gesso::worker
