#include "gesso/domain/generations.hpp"

#include <utility>

#include "gesso/domain/generation_watch.hpp"
#include "gesso/domain/work_bell.hpp"

namespace gesso::domain {

using namespace query;
using models::Generation;
using models::GenerationId;
using models::GenerationStatus;
using models::UserId;

namespace {

// What a charge came to, where it was no replay.
CreateOutcome as_created(Charging::Outcome outcome) {
  return std::visit(
      [](auto&& value) -> CreateOutcome {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Generation>) {
          return Created{.generation = std::move(value)};
        } else {
          return value;
        }
      },
      std::move(outcome));
}

// What makes of a generation that had a key what stays of it, unseen: its id is the key's, and must
// not come to stand for another one, which a late worker or refund would take for it.
Update<Generation> remains(Time moment) {
  return update(set<&Generation::voided_at>(moment), set<&Generation::prompt>("(deleted)"),
                unset<&Generation::negative_prompt>(), unset<&Generation::error_message>(),
                set<&Generation::result_urls>(std::vector<models::Url>{}),
                set<&Generation::blob_urls>(std::vector<models::Url>{}),
                set<&Generation::thumbnail_urls>(std::vector<models::Url>{}));
}

}  // namespace

bool has_ended(GenerationStatus status) {
  return status != GenerationStatus::kPending && status != GenerationStatus::kProcessing;
}

CreateOutcome Generations::create(const models::GenerationCreate& request,
                                  const std::optional<IdempotencyKey>& key,
                                  const ChargeOptions& options) {
  auto outcome = key ? create_keyed(request, *key, options)
                     : as_created(charging_.charge_and_create(request, options));
  const auto* created = std::get_if<Created>(&outcome);
  if (created != nullptr && !created->replayed && hooks_.bell != nullptr) hooks_.bell->ring();
  return outcome;
}

CreateOutcome Generations::create_keyed(const models::GenerationCreate& request,
                                        const IdempotencyKey& key, const ChargeOptions& options) {
  const models::RequestHash hash = hash_of(request);
  const auto replay = [&](Generation stored) -> CreateOutcome {
    if (stored.request_hash != hash) return KeyReused{};
    return Created{.generation = std::move(stored), .replayed = true};
  };
  std::size_t voided = 0;
  GenerationId id = keyed_id(request.user_id, key, voided);
  while (auto stored = generations_.find_stored(id)) {
    if (!stored->voided_at) return replay(*std::move(stored));
    id = keyed_id(request.user_id, key, ++voided);
  }
  Generation generation = generations_.make_generation(request);
  const models::ChargeToken token = attempt_token(context_->ids);
  generation.id = id;
  generation.charge_token = token;
  generation.request_hash = hash;
  Charging::Outcome outcome = charging_.charge(std::move(generation), options);
  if (auto* made = std::get_if<Generation>(&outcome)) {
    if (made->charge_token != token) return replay(*std::move(made));
    return Created{.generation = *std::move(made)};
  }
  // The credits may be short because another request with the key has taken them meanwhile.
  if (!std::holds_alternative<UserNotActive>(outcome)) {
    if (auto stored = generations_.find_by_id(id)) return replay(*std::move(stored));
  }
  return as_created(std::move(outcome));
}

std::optional<Generation> Generations::get(const UserId& user_id, const GenerationId& id) {
  std::optional<Generation> generation = generations_.find_by_id(id);
  if (generation && generation->user_id != user_id) generation.reset();
  return generation;
}

CancelOutcome Generations::cancel(const UserId& user_id, const GenerationId& id) {
  while (true) {
    auto seen = get(user_id, id);
    if (!seen) return NoSuchGeneration{};
    const Time moment = context_->clock.now();
    std::optional<Generation> changed;
    if (seen->status == GenerationStatus::kPending) {
      auto changes = update(set<&Generation::status>(GenerationStatus::kCancelled),
                            set<&Generation::cancel_requested_at>(moment));
      repositories::add_end(changes, *seen, moment);
      if (repositories::is_paid_for(*seen)) changes.add(set<&Generation::refund_due_at>(moment));
      changed = generations_.update_one(
          where<&Generation::id> == id && where<&Generation::status> == GenerationStatus::kPending,
          std::move(changes));
    } else if (seen->status == GenerationStatus::kProcessing) {
      if (seen->cancel_requested_at) return *std::move(seen);
      changed =
          generations_.update_one(where<&Generation::id> == id &&
                                      where<&Generation::status> == GenerationStatus::kProcessing,
                                  update(set<&Generation::cancel_requested_at>(moment)));
    } else if (seen->status == GenerationStatus::kCancelled) {
      changed = std::move(seen);  // the call before may have died before its refund
    } else {
      return AlreadyFinished{*std::move(seen)};
    }
    if (!changed) continue;  // it moved on meanwhile
    if (changed->refund_due_at) changed = charging_.refund(id);
    if (!changed) return NoSuchGeneration{};
    if (hooks_.watch != nullptr) hooks_.watch->notify(*changed);
    return *std::move(changed);
  }
}

RemoveOutcome Generations::remove(const UserId& user_id, const GenerationId& id) {
  while (true) {
    auto seen = get(user_id, id);
    if (!seen) return NoSuchGeneration{};
    if (!has_ended(seen->status)) return NotFinished{seen->status};
    if (seen->refund_due_at) {
      seen = charging_.refund(id);
      if (!seen) return NoSuchGeneration{};
    }
    charging_.settle(*seen);
    // What ended changes only by its refund, which is through, and settled.
    const auto is_settled =
        where<&Generation::id> == id && where<&Generation::refund_due_at>.missing();
    const bool deleted = seen->request_hash
                             ? generations_.change_one(is_settled, remains(context_->clock.now()))
                             : generations_.delete_one(is_settled);
    if (!deleted) continue;
    return Deleted{*std::move(seen)};
  }
}

}  // namespace gesso::domain
