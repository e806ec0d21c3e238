// Which generation a worker takes next: the oldest of the user who has the fewest at work here,
// of a provider that has room.
//
// Not thread-safe: whoever owns it guards it. No I/O.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <vector>

#include "gesso/domain/model_table.hpp"
#include "gesso/repositories/generation_repository.hpp"

namespace gesso::worker {

struct FairnessLimits {
  std::size_t all = 64;       // generations at work at once
  std::size_t per_user = 16;  // of one user
  // Of one provider, by its kind; 0 for one that is not there.
  std::array<std::size_t, domain::wire_texts(domain::ProviderKind{}).size()> per_provider = {};
};

class Fairness {
  const domain::ModelTable* models_;
  FairnessLimits limits_;
  std::size_t all_ = 0;
  std::map<models::UserId, std::size_t> by_user_;
  std::array<std::size_t, domain::wire_texts(domain::ProviderKind{}).size()> by_provider_ = {};

 public:
  // Borrows the table.
  Fairness(const domain::ModelTable& models, const FairnessLimits& limits)
      : models_(&models), limits_(limits) {}

  [[nodiscard]] bool has_room() const { return all_ < limits_.all; }
  [[nodiscard]] std::size_t at_work() const { return all_; }
  [[nodiscard]] std::size_t at_work(domain::ProviderKind kind) const {
    return by_provider_.at(static_cast<std::size_t>(kind));
  }
  // Whether none of the limits is reached.
  [[nodiscard]] bool has_room_for(const models::UserId& user, models::ModelType model) const;
  // Users take turns, those with the fewest at work first; each one's own stay oldest first.
  void arrange(std::vector<repositories::ClaimCandidate>& candidates) const;
  // False where one of the limits is reached.
  [[nodiscard]] bool take(const models::UserId& user, models::ModelType model);
  void give_back(const models::UserId& user, models::ModelType model);

 private:
  [[nodiscard]] std::size_t provider_of(models::ModelType model) const {
    return static_cast<std::size_t>(models_->get(model).provider);
  }
};

}  // namespace gesso::worker
