// Generations: a user's history, the queue, and the way from pending to completed or failed.
//
// A status moves forward: pending -> processing -> completed or failed, pending -> failed. Each
// move is one conditional update, so of two that try, one is refused. To create a generation that
// is paid for, see domain/charging.hpp; for cancelling, and for workers that hold one under a
// lease, domain/generations.hpp and domain/generation_work.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/models/generation.hpp"
#include "gesso/repositories/repository.hpp"

namespace gesso::repositories {

struct GenerationStats {
  std::int64_t total_generations = 0;
  std::int64_t pending_generations = 0;
  std::int64_t processing_generations = 0;
  std::int64_t completed_generations = 0;
  std::int64_t failed_generations = 0;
  std::int64_t cancelled_generations = 0;
  std::optional<double> average_processing_time_ms = {};
  std::optional<std::int64_t> p95_processing_time_ms = {};
  std::int64_t credits_spent = 0;

  static constexpr std::string_view kName = "GenerationStats";
  static constexpr std::string_view kAbout = "How many there are, and how long they take.";
};
GESSO_FIELDS(GenerationStats, (total_generations, "All of them."),
             (pending_generations, "Those that wait."),
             (processing_generations, "Those that are being made."),
             (completed_generations, "Those that have their images."),
             (failed_generations, "Those that came to nothing."),
             (cancelled_generations, "Those that their user took back before they began."),
             (average_processing_time_ms, "Of the completed."),
             (p95_processing_time_ms, "Of the completed: the 95th percentile, by nearest rank."),
             (credits_spent, "Without what was given back."))

// A reason of any length and bytes as `error_message` takes it.
[[nodiscard]] models::ErrorMessage readable_reason(std::string_view reason);
// What a generation that ends at `moment` gets besides its status.
void add_end(query::Update<models::Generation>& changes, const models::Generation& seen,
             Time moment);
// Whether somebody's credits were taken for it.
[[nodiscard]] bool is_paid_for(const models::Generation& generation);

// What a claimer sees of a generation that is free.
struct ClaimCandidate {
  models::GenerationId id;
  models::UserId user_id;
  models::ModelType model_type = models::ModelType::kStableDiffusionXl;
  models::GenerationStatus status = models::GenerationStatus::kPending;
  bool is_leased = false;
  Time created_at;
};

class GenerationRepository : public Repository<models::Generation> {
 public:
  using Repository::Repository;

  // Inserts a pending generation and returns it. Nobody has paid for it: its cost is the caller's
  // affair (see charging.hpp).
  models::Generation create_generation(const models::GenerationCreate& request);
  // Makes the generation that `create_generation` inserts, with its id, and does not insert it.
  [[nodiscard]] models::Generation make_generation(const models::GenerationCreate& request) const;

  // Newest first.
  [[nodiscard]] std::vector<models::Generation> find_by_user(
      const models::UserId& user_id, std::optional<models::GenerationStatus> status = {},
      const ListOptions& options = {.limit = 20});
  [[nodiscard]] Page<models::Generation> page_by_user(
      const models::UserId& user_id, std::optional<models::GenerationStatus> status = {},
      const PageOptions& options = {});
  // Newest first.
  [[nodiscard]] std::vector<models::Generation> find_by_status(models::GenerationStatus status,
                                                               const ListOptions& options = {
                                                                   .limit = 100});
  // Newest first, of all users or of one, those that were asked for before a moment, and not before
  // `from`.
  [[nodiscard]] std::vector<models::Generation> find_newest(
      models::GenerationStatus status, const std::optional<models::UserId>& user_id,
      std::optional<Time> before, const ListOptions& options, Time from = {});
  [[nodiscard]] std::optional<models::Generation> find_by_replicate_prediction_id(
      std::string_view replicate_prediction_id);
  // Oldest first, those that a worker has claimed among them.
  [[nodiscard]] std::vector<models::Generation> get_pending_generations(std::int64_t limit = 100);

  // The oldest generation that is pending, or processing under a lease that has expired, held for
  // `worker` until `lease` has passed: it is processing then, and `attempts`, which counts the
  // claims, tells this one from all others. Where several claim at once, each gets another one.
  // std::nullopt where there is none. Throws Error: kValidation for a lease below 1 ms.
  [[nodiscard]] std::optional<models::Generation> claim_next(
      std::string_view worker, std::chrono::milliseconds lease = std::chrono::minutes(5));
  // The same by two steps, for who chooses among them and claims several by one look: those that
  // are free, oldest first; at least the `most` oldest, where there are so many, and twice as many
  // at most.
  [[nodiscard]] std::vector<ClaimCandidate> find_claimable(std::int64_t most);
  // And one of them: one update on condition that it is as it was seen. std::nullopt where somebody
  // else was faster.
  [[nodiscard]] std::optional<models::Generation> claim(const ClaimCandidate& seen,
                                                        std::string_view worker,
                                                        std::chrono::milliseconds lease);

  // These return the generation as it is then, std::nullopt where there is none, and throw Error
  // (kConflict, naming both states) where its status does not allow it.
  // A prediction is made for a pending one, or by the worker that has claimed it; once.
  std::optional<models::Generation> mark_as_processing(const Id& id,
                                                       std::string_view replicate_prediction_id);
  std::optional<models::Generation> mark_as_completed(const Id& id,
                                                      const std::vector<models::Url>& result_urls,
                                                      const std::vector<models::Url>& blob_urls);
  // What it cost is due to be refunded then; see charging.hpp.
  std::optional<models::Generation> mark_as_failed(const Id& id, std::string_view error_message);

  // One aggregation, and for the percentile one read of an index.
  [[nodiscard]] GenerationStats get_user_stats(const models::UserId& user_id);

 private:
  // Moves `id` to a status that is reached from one of `from`; throws where it has another one.
  std::optional<models::Generation> move(const Id& id,
                                         const std::vector<models::GenerationStatus>& from,
                                         models::GenerationStatus to,
                                         query::Update<models::Generation> changes);
  // std::nullopt where there is none, else throws.
  std::optional<models::Generation> refuse_move(const Id& id, models::GenerationStatus to);
};

}  // namespace gesso::repositories
