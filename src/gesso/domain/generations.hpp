// What a user does with generations: asks for one, looks at them, cancels, deletes.
//
// Another user's generation is as good as none, and so is what stands in the place of one whose
// charge was interrupted. Each change is one conditional update, so that of two at once one is
// made; each may be repeated after a lost answer.
//
// Over one session, for one unit of work, as the repositories are. Every call blocks.
#pragma once

#include <optional>
#include <variant>

#include "gesso/domain/charging.hpp"
#include "gesso/domain/idempotency.hpp"
#include "gesso/images/blob_store.hpp"
#include "gesso/models/generation.hpp"
#include "gesso/repositories/generation_repository.hpp"

namespace gesso::domain {

class GenerationWatch;
class WorkBell;

// What the functions about generations use beside the database, where it is there. Borrows.
struct GenerationHooks {
  Settler* settler = nullptr;           // captures the holds of charges
  GenerationWatch* watch = nullptr;     // is told of every change
  WorkBell* bell = nullptr;             // is rung when one waits for a worker
  images::BlobStore* images = nullptr;  // where their images are, which go with them
};

struct Created {
  models::Generation generation;
  bool replayed = false;  // it is there since an earlier request with the same key
};
using CreateOutcome =
    std::variant<Created, NotEnoughCredits, UserNotActive, KeyReused, ChargeInProgress>;

struct NoSuchGeneration {};
struct NotFinished {  // it is pending or processing; what is to be deleted is cancelled first
  models::GenerationStatus status;
};
struct AlreadyFinished {
  models::Generation generation;
};
struct Deleted {
  models::Generation generation;  // as it was, with the addresses of its images
};
using RemoveOutcome = std::variant<Deleted, NoSuchGeneration, NotFinished>;
// The generation is cancelled, or (processing) asked to stop: `cancel_requested_at` is set.
using CancelOutcome = std::variant<models::Generation, NoSuchGeneration, AlreadyFinished>;

class Generations {
  repositories::GenerationRepository generations_;
  Charging charging_;
  const repositories::RepositoryContext* context_;
  GenerationHooks hooks_;

 public:
  Generations(mongo::Session& session, const repositories::RepositoryContext& context,
              const GenerationHooks& hooks = {})
      : generations_(session, context),
        charging_(session, context, hooks.settler),
        context_(&context),
        hooks_(hooks) {}

  // Charges and creates. With a key: the generation that the same request made before, KeyReused
  // where another request did, ChargeInProgress where one with the key is still on its way (ask
  // again). Throws Error as Charging::charge_and_create.
  [[nodiscard]] CreateOutcome create(const models::GenerationCreate& request,
                                     const std::optional<IdempotencyKey>& key = {},
                                     const ChargeOptions& options = {});

  [[nodiscard]] std::optional<models::Generation> get(const models::UserId& user_id,
                                                      const models::GenerationId& id);
  // Newest first.
  [[nodiscard]] repositories::Page<models::Generation> list(
      const models::UserId& user_id, std::optional<models::GenerationStatus> status,
      const repositories::PageOptions& options) {
    return generations_.page_by_user(user_id, status, options);
  }
  [[nodiscard]] repositories::GenerationStats stats(const models::UserId& user_id) {
    return generations_.get_user_stats(user_id);
  }

  // A pending one is cancelled, and its cost given back. One that a worker has begun goes on until
  // the worker learns, by its next heartbeat, that it is to stop; what it has cost is not given
  // back then (see generation_work.hpp), and it may complete before. Repeated, it changes nothing.
  [[nodiscard]] CancelOutcome cancel(const models::UserId& user_id, const models::GenerationId& id);
  // Deletes one that has ended; first its holds are settled, and its refund, if it is due one. Its
  // images are the caller's to remove, once no connection is held: see generation_images.hpp.
  [[nodiscard]] RemoveOutcome remove(const models::UserId& user_id, const models::GenerationId& id);

 private:
  [[nodiscard]] CreateOutcome create_keyed(const models::GenerationCreate& request,
                                           const IdempotencyKey& key, const ChargeOptions& options);
};

// Whether nothing more happens to it.
[[nodiscard]] bool has_ended(models::GenerationStatus status);

}  // namespace gesso::domain
