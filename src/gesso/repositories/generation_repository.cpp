#include "gesso/repositories/generation_repository.hpp"

#include <algorithm>
#include <utility>

#include "gesso/repositories/checks.hpp"

namespace gesso::repositories {

BOOST_DESCRIBE_STRUCT(ClaimCandidate, (), (id, user_id, model_type, status, is_leased, created_at))

using namespace query;
using bson::make_array;
using bson::make_document;
using models::ErrorMessage;
using models::ForeignId;
using models::Generation;
using models::GenerationStatus;
using models::UserId;

namespace {

constexpr auto kNewest = sort_by(desc<&Generation::created_at>);
constexpr auto kNewestOfUser = sort_by(desc<&Generation::created_at>, desc<&Generation::id>);
constexpr auto kOldest = sort_by(asc<&Generation::created_at>);

constexpr Time kEndOfTime = std::chrono::sys_days{std::chrono::year{9999} / 12 / 31};
struct TimeOnly {
  std::int64_t processing_time_ms = 0;
};
BOOST_DESCRIBE_STRUCT(TimeOnly, (), (processing_time_ms))

// A group of get_user_stats: `_id` is the status.
struct StatusFigures {
  GenerationStatus id = GenerationStatus::kPending;
  std::int64_t count = 0;
  std::int64_t timed = 0;
  std::optional<double> average = {};
  std::int64_t credits = 0;
};
BOOST_DESCRIBE_STRUCT(StatusFigures, (), (id, count, timed, average, credits))

// `value` where the field is there, else 0.
bson::Document where_present(std::string_view field, const auto& then, const auto& otherwise) {
  return make_document(
      "$cond", make_array(make_document("$gt", make_array(field, bson::Null{})), then, otherwise));
}

}  // namespace

// A reason of any length and bytes as the field takes it: a failure must not be lost over its text.
ErrorMessage readable_reason(std::string_view reason) {
  constexpr std::size_t kMaxCodePoints = 2000;
  std::size_t code_points = 0;
  for (std::size_t i = 0; i < reason.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(reason[i]) & 0xC0) != 0x80;
    if (starts && ++code_points > kMaxCodePoints) {
      reason = reason.substr(0, i);
      break;
    }
  }
  if (ErrorMessage::check(reason)) return "(no readable reason was given)";
  return reason;
}

void add_end(Update<Generation>& changes, const Generation& seen, Time moment) {
  changes.add(set<&Generation::completed_at>(moment));
  if (seen.started_at) {
    changes.add(set<&Generation::processing_time_ms>(
        std::max<std::int64_t>(0, (moment - *seen.started_at).count())));
  }
}

bool is_paid_for(const Generation& generation) {
  return generation.credits_from_subscription + generation.credits_from_balance > 0;
}

Generation GenerationRepository::make_generation(const models::GenerationCreate& request) const {
  const Time created_at = now();
  return {.id = next_id(),
          .user_id = request.user_id,
          .prompt = request.prompt,
          .negative_prompt = request.negative_prompt,
          .model_type = request.model_type,
          .image_size = request.image_size,
          .num_images = request.num_images,
          .guidance_scale = request.guidance_scale,
          .num_inference_steps = request.num_inference_steps,
          .seed = request.seed,
          .cost_credits = request.cost_credits,
          .claimable_at = created_at,
          .created_at = created_at,
          .updated_at = created_at};
}

Generation GenerationRepository::create_generation(const models::GenerationCreate& request) {
  return create(make_generation(request));
}

std::vector<Generation> GenerationRepository::find_by_user(const UserId& user_id,
                                                           std::optional<GenerationStatus> status,
                                                           const ListOptions& options) {
  const auto of_user = where<&Generation::user_id> == user_id;
  if (!status) return find_many(of_user, kNewestOfUser, options);
  return find_many(of_user && where<&Generation::status> == *status, kNewestOfUser, options);
}

Page<Generation> GenerationRepository::page_by_user(const UserId& user_id,
                                                    std::optional<GenerationStatus> status,
                                                    const PageOptions& options) {
  const auto of_user = where<&Generation::user_id> == user_id;
  if (!status) return page(of_user, kNewestOfUser, options);
  return page(of_user && where<&Generation::status> == *status, kNewestOfUser, options);
}

std::vector<Generation> GenerationRepository::find_by_status(GenerationStatus status,
                                                             const ListOptions& options) {
  return find_many(where<&Generation::status> == status, kNewest, options);
}

std::vector<Generation> GenerationRepository::find_newest(GenerationStatus status,
                                                          const std::optional<UserId>& user_id,
                                                          std::optional<Time> before,
                                                          const ListOptions& options, Time from) {
  const Time end = before.value_or(kEndOfTime);
  const auto of_status = where<&Generation::status> == status &&
                         where<&Generation::created_at> >= from &&
                         where<&Generation::created_at> < end;
  if (!user_id) return find_many(of_status, kNewest, options);
  return find_many(where<&Generation::user_id> == *user_id && of_status, kNewestOfUser, options);
}

std::optional<Generation> GenerationRepository::find_by_replicate_prediction_id(
    std::string_view replicate_prediction_id) {
  if (ForeignId::check(replicate_prediction_id)) return std::nullopt;
  return find_one(where<&Generation::replicate_prediction_id> == replicate_prediction_id);
}

std::vector<Generation> GenerationRepository::get_pending_generations(std::int64_t limit) {
  return find_many(where<&Generation::status> == GenerationStatus::kPending, kOldest,
                   {.limit = limit});
}

std::vector<ClaimCandidate> GenerationRepository::find_claimable(std::int64_t most) {
  const auto free = where<&Generation::claimable_at> <= now();
  std::vector<ClaimCandidate> candidates = find_many(
      where<&Generation::status> == GenerationStatus::kPending &&
          where<&Generation::is_leased> == false && free,
      sort_by(asc<&Generation::claimable_at>), {.limit = most}, project<ClaimCandidate>());
  const std::vector<ClaimCandidate> expired = find_many(
      where<&Generation::status>.in({GenerationStatus::kPending, GenerationStatus::kProcessing}) &&
          where<&Generation::is_leased> == true && free,
      unsorted, {.limit = most}, project<ClaimCandidate>());
  candidates.insert(candidates.end(), expired.begin(), expired.end());
  std::ranges::stable_sort(candidates, {}, &ClaimCandidate::created_at);
  return candidates;
}

std::optional<Generation> GenerationRepository::claim(const ClaimCandidate& seen,
                                                      std::string_view worker,
                                                      std::chrono::milliseconds lease) {
  require_at_least(1, "lease", lease.count());
  const Time moment = now();
  return update_one(where<&Generation::id> == seen.id &&
                        where<&Generation::status> == seen.status &&
                        where<&Generation::is_leased> == seen.is_leased &&
                        where<&Generation::claimable_at> <= moment,
                    update(set<&Generation::status>(GenerationStatus::kProcessing),
                           set<&Generation::started_at>(moment), set<&Generation::is_leased>(true),
                           set<&Generation::claimable_at>(moment + lease),
                           set<&Generation::lease_owner>(worker), inc<&Generation::attempts>(1)));
}

std::optional<Generation> GenerationRepository::claim_next(std::string_view worker,
                                                           std::chrono::milliseconds lease) {
  // A sort by several fields is none of findAndModify's on Cosmos DB, and the claimers would all
  // wait for the same document. So they look first, and then take one by its id. A claimer that
  // finds the oldest taken goes on at a random one: the others do so as well.
  require_at_least(1, "lease", lease.count());
  constexpr std::int64_t kLookAhead = 16;
  while (true) {
    auto candidates = find_claimable(kLookAhead);
    if (candidates.empty()) return std::nullopt;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (i > 0) {
        const auto left = static_cast<double>(candidates.size() - i);
        std::swap(candidates[i],
                  candidates[i + static_cast<std::size_t>(context().random.uniform() * left)]);
      }
      if (auto claimed = claim(candidates[i], worker, lease)) return claimed;
    }
  }
}

std::optional<Generation> GenerationRepository::move(const Id& id,
                                                     const std::vector<GenerationStatus>& from,
                                                     GenerationStatus to,
                                                     Update<Generation> changes) {
  changes.add(set<&Generation::status>(to));
  auto moved = update_one(where<&Generation::id> == id && where<&Generation::status>.in(from),
                          std::move(changes));
  return moved ? moved : refuse_move(id, to);
}

std::optional<Generation> GenerationRepository::refuse_move(const Id& id, GenerationStatus to) {
  const auto seen = find_by_id(id);
  if (!seen) return std::nullopt;
  throw Error(ErrorKind::kConflict,
              "generation " + id.str() + " is " + std::string(to_string(seen->status)) +
                  " and cannot become " + std::string(to_string(to)),
              {.ns = ns(), .operation = "update"});
}

std::optional<Generation> GenerationRepository::mark_as_processing(
    const Id& id, std::string_view replicate_prediction_id) {
  auto moved = update_one(where<&Generation::id> == id &&
                              where<&Generation::status>.in(
                                  {GenerationStatus::kPending, GenerationStatus::kProcessing}) &&
                              where<&Generation::replicate_prediction_id>.missing(),
                          update(set<&Generation::status>(GenerationStatus::kProcessing),
                                 set<&Generation::replicate_prediction_id>(replicate_prediction_id),
                                 set<&Generation::started_at>(now())));
  return moved ? moved : refuse_move(id, GenerationStatus::kProcessing);
}

std::optional<Generation> GenerationRepository::mark_as_completed(
    const Id& id, const std::vector<models::Url>& result_urls,
    const std::vector<models::Url>& blob_urls) {
  const auto seen = find_by_id(id);
  if (!seen) return std::nullopt;
  const Time moment = now();
  auto changes =
      update(set<&Generation::result_urls>(result_urls), set<&Generation::blob_urls>(blob_urls));
  add_end(changes, *seen, moment);
  return move(id, {GenerationStatus::kProcessing}, GenerationStatus::kCompleted,
              std::move(changes));
}

std::optional<Generation> GenerationRepository::mark_as_failed(const Id& id,
                                                               std::string_view error_message) {
  const auto seen = find_by_id(id);
  if (!seen) return std::nullopt;
  const Time moment = now();
  auto changes = update(set<&Generation::error_message>(readable_reason(error_message)));
  add_end(changes, *seen, moment);
  if (is_paid_for(*seen)) changes.add(set<&Generation::refund_due_at>(moment));
  return move(id, {GenerationStatus::kPending, GenerationStatus::kProcessing},
              GenerationStatus::kFailed, std::move(changes));
}

GenerationStats GenerationRepository::get_user_stats(const UserId& user_id) {
  // Not every server computes percentiles (Cosmos DB does not), and collecting all times in one
  // document has its limit. The aggregation says how many there are, and the one at the rank asked
  // for is read from the index on user, status and time.
  const auto of_user = where<&Generation::user_id> == user_id;
  const auto groups = aggregate<StatusFigures>(
      of_user, make_array(make_document(
                   "$group",
                   make_document(
                       "_id", "$status", "count", make_document("$sum", 1), "timed",
                       make_document("$sum", where_present("$processing_time_ms", 1, 0)), "average",
                       make_document("$avg", "$processing_time_ms"), "credits",
                       make_document("$sum", where_present("$refunded_at", 0, "$cost_credits"))))));
  GenerationStats stats;
  for (const StatusFigures& group : groups) {
    stats.total_generations += group.count;
    stats.credits_spent += group.credits;
    switch (group.id) {
      case GenerationStatus::kPending:
        stats.pending_generations = group.count;
        break;
      case GenerationStatus::kProcessing:
        stats.processing_generations = group.count;
        break;
      case GenerationStatus::kFailed:
        stats.failed_generations = group.count;
        break;
      case GenerationStatus::kCancelled:
        stats.cancelled_generations = group.count;
        break;
      case GenerationStatus::kCompleted:
        stats.completed_generations = group.count;
        stats.average_processing_time_ms = group.average;
        if (group.timed > 0) {
          const std::int64_t rank = (group.timed * 95 + 99) / 100;  // from 1, rounded up
          const auto at_rank =
              find_many(of_user && where<&Generation::status> == GenerationStatus::kCompleted &&
                            where<&Generation::processing_time_ms> >= 0,
                        sort_by(asc<&Generation::processing_time_ms>),
                        {.skip = rank - 1, .limit = 1}, project<TimeOnly>());
          if (!at_rank.empty()) stats.p95_processing_time_ms = at_rank[0].processing_time_ms;
        }
        break;
    }
  }
  return stats;
}

}  // namespace gesso::repositories
