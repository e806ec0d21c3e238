// Generations: what a user asked for, how far it is, what came of it and what it cost. Value types.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/models/ids.hpp"
#include "gesso/models/pending_charge.hpp"
#include "gesso/models/user.hpp"
#include "gesso/query/index.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::models {

enum class GenerationStatus { kPending, kProcessing, kCompleted, kFailed, kCancelled };
constexpr auto wire_texts(GenerationStatus) {
  return std::to_array<std::string_view>(
      {"pending", "processing", "completed", "failed", "cancelled"});
}

enum class ModelType { kStableDiffusionXl, kStableDiffusionV2, kDalle3 };
constexpr auto wire_texts(ModelType) {
  return std::to_array<std::string_view>({"stable-diffusion-xl", "stable-diffusion-v2", "dalle-3"});
}

enum class ImageSize { kSquare256, kSquare512, kSquare1024, kPortrait1024, kLandscape1792 };
constexpr auto wire_texts(ImageSize) {
  return std::to_array<std::string_view>(
      {"256x256", "512x512", "1024x1024", "1024x1792", "1792x1024"});
}

using Prompt = schema::Text<1, 2000>;
using NegativePrompt = schema::Text<0, 2000>;
using NumImages = schema::Integer<1, 4>;
using GuidanceScale = schema::Number<1, 20>;
using InferenceSteps = schema::Integer<1, 150>;
using Seed = schema::Integer<0, 4294967295>;  // 32 bits, as the models take it
using ErrorMessage = schema::Text<1, 2000>;
using Url = schema::Text<1, 2048>;
using ProviderName = schema::Text<1, 32>;
using RequestHash = schema::Text<64, 64>;  // SHA-256 in hexadecimal

struct Generation {
  GenerationId id;
  UserId user_id;
  Prompt prompt;
  std::optional<NegativePrompt> negative_prompt = {};
  ModelType model_type = ModelType::kStableDiffusionXl;
  ImageSize image_size = ImageSize::kSquare1024;
  NumImages num_images = 1;
  GuidanceScale guidance_scale = 7.5;
  InferenceSteps num_inference_steps = 50;
  std::optional<Seed> seed = {};
  GenerationStatus status = GenerationStatus::kPending;
  std::optional<ForeignId> replicate_prediction_id = {};
  std::vector<Url> result_urls = {};
  std::vector<Url> blob_urls = {};
  std::vector<Url> thumbnail_urls = {};
  std::optional<ProviderName> provider = {};
  std::optional<Time> provider_asked_at = {};
  std::optional<ErrorMessage> error_message = {};
  schema::NonNegative cost_credits = 1;
  schema::NonNegative credits_from_subscription = 0;
  schema::NonNegative credits_from_balance = 0;
  std::optional<SubscriptionId> charged_subscription_id = {};
  std::optional<Time> charged_period_start = {};
  std::optional<schema::NonNegative> charged_allotment = {};
  std::optional<ChargeToken> charge_token = {};
  std::optional<RequestHash> request_hash = {};
  std::optional<Time> voided_at = {};
  std::optional<Time> refund_due_at = {};
  std::optional<ChargeToken> refund_token = {};
  std::optional<Time> refunded_at = {};
  std::optional<schema::NonNegative> processing_time_ms = {};
  std::optional<schema::Text<1, 64>> lease_owner = {};
  bool is_leased = false;
  Time claimable_at = {};
  schema::NonNegative attempts = 0;
  std::optional<Time> cancel_requested_at = {};
  Time created_at;
  std::optional<Time> started_at = {};
  std::optional<Time> completed_at = {};
  Time updated_at;

  friend bool operator==(const Generation&, const Generation&) = default;

  static constexpr std::string_view kName = "Generation";
  static constexpr std::string_view kCollection = "generations";
  static constexpr std::string_view kAbout = "One request for images, and its result.";

  // A document that has this field is there for its id alone, and no query finds it.
  static constexpr auto kHiddenBy = &Generation::voided_at;
  // On Azure Cosmos DB (RU) the collection is spread by this field (docs/SCALING.md).
  static constexpr auto kShardKey = &Generation::id;

  using Indexes = query::IndexList<
      query::Index<&Generation::user_id, query::desc<&Generation::created_at>>,
      query::Index<&Generation::status>,
      // The prediction's webhook. Absent until there is one, hence unique when present.
      query::UniqueWhenPresent<&Generation::replicate_prediction_id>,
      query::Index<&Generation::user_id, &Generation::status>,
      query::Index<&Generation::status, &Generation::created_at>,
      // Pages of a user's list, newest first, and of one status. `_id` at the end tells generations
      // of one moment apart, and Cosmos DB sorts along the whole path of an index only.
      query::Index<&Generation::user_id, query::desc<&Generation::created_at>,
                   query::desc<&Generation::id>>,
      query::Index<&Generation::user_id, &Generation::status, query::desc<&Generation::created_at>,
                   query::desc<&Generation::id>>,
      // The queue: pending ones that nobody holds, oldest first, and those whose lease has expired.
      query::Index<&Generation::status, &Generation::is_leased, &Generation::claimable_at>,
      // The 95th percentile of a user's processing times, where the server computes none.
      query::Index<&Generation::user_id, &Generation::status, &Generation::processing_time_ms>,
      // The sweep looks for failed ones whose refund a crash prevented.
      query::Index<&Generation::refund_due_at>>;
};
GESSO_FIELDS(
    Generation, (id, "Assigned by the service."), (user_id, "Who asked."),
    (prompt, "What the images should show."), (negative_prompt, "What they should not show."),
    (model_type, "Which model paints.", schema::kHasDefault),
    (image_size, "Width x height in pixels.", schema::kHasDefault),
    (num_images, "How many images.", schema::kHasDefault),
    (guidance_scale, "How closely the model follows the prompt.", schema::kHasDefault),
    (num_inference_steps, "Denoising steps.", schema::kHasDefault),
    (seed, "The same seed and parameters give the same images; absent for a random one."),
    (status,
     "pending, then processing, then for good one of completed, failed and cancelled; back to "
     "pending where a worker could not finish it."),
    (replicate_prediction_id, "The prediction at Replicate, once processing has started."),
    (result_urls, "Where the provider keeps the images, for a while.", schema::kHasDefault),
    (blob_urls, "Where we keep them: links that expire, new with every answer.",
     schema::kHasDefault),
    (thumbnail_urls, "The same images, small, in the same order; links that expire.",
     schema::kHasDefault),
    (provider,
     "Who paints it, once that has begun. `preview` is a sketch that this service draws by itself, "
     "no model's work."),
    (provider_asked_at, "When a provider was first asked for it: its answer may have been lost.",
     schema::kInternal),
    (error_message, "Why it failed."), (cost_credits, "What it costs.", schema::kHasDefault),
    (credits_from_subscription,
     "The part of the cost that a subscription paid; a refund goes back where it came from.",
     schema::kHasDefault | schema::kInternal),
    (credits_from_balance, "The part that the user's own credits paid.",
     schema::kHasDefault | schema::kInternal),
    (charged_subscription_id, "The subscription that paid.", schema::kInternal),
    (charged_period_start, "That subscription's period; its credits lapse with it.",
     schema::kInternal),
    (charged_allotment, "That subscription's allotment; what is given back is given to it alone.",
     schema::kInternal),
    (charge_token,
     "The charge that paid for it, where several could have; else its own id is the token.",
     schema::kInternal),
    (request_hash, "Of the request, where it came with an idempotency key.", schema::kInternal),
    (voided_at,
     "Set on what stands in the place of a generation whose charge was given up, and on what stays "
     "of a deleted one whose id an idempotency key leads to.",
     schema::kInternal),
    (refund_due_at, "When it failed, until its cost is given back and the usage log says so.",
     schema::kInternal),
    (refund_token, "The refund that counts; set once, so it happens once.", schema::kInternal),
    (refunded_at, "When the cost of one that did not complete was given back."),
    (processing_time_ms, "From the start of processing to its end."),
    (lease_owner, "The worker that has claimed it.", schema::kInternal),
    (is_leased, "Whether a worker has claimed it since it was made.",
     schema::kHasDefault | schema::kInternal),
    (claimable_at,
     "From when a worker may claim it: when it was made, or the end of the last lease.",
     schema::kHasDefault | schema::kInternal),
    (attempts, "How often it was claimed; what a worker writes must name the last of them.",
     schema::kHasDefault | schema::kInternal),
    (cancel_requested_at, "When its user asked to stop it while it was processing."),
    (created_at, "When it was asked for."), (started_at, "When processing started."),
    (completed_at, "When it completed, failed or was cancelled."),
    (updated_at, "Last change of any field."))

// A request for images.
struct GenerationCreate {
  UserId user_id;
  Prompt prompt;
  std::optional<NegativePrompt> negative_prompt = {};
  ModelType model_type = ModelType::kStableDiffusionXl;
  ImageSize image_size = ImageSize::kSquare1024;
  NumImages num_images = 1;
  GuidanceScale guidance_scale = 7.5;
  InferenceSteps num_inference_steps = 50;
  std::optional<Seed> seed = {};
  schema::NonNegative cost_credits = 1;

  friend bool operator==(const GenerationCreate&, const GenerationCreate&) = default;

  static constexpr std::string_view kName = "GenerationCreate";
  static constexpr std::string_view kAbout = "A request for images.";
};
GESSO_FIELDS(GenerationCreate, (user_id, "Who asks."),
             (prompt, schema::field_about<&Generation::prompt>),
             (negative_prompt, schema::field_about<&Generation::negative_prompt>),
             (model_type, schema::field_about<&Generation::model_type>, schema::kHasDefault),
             (image_size, schema::field_about<&Generation::image_size>, schema::kHasDefault),
             (num_images, schema::field_about<&Generation::num_images>, schema::kHasDefault),
             (guidance_scale, schema::field_about<&Generation::guidance_scale>,
              schema::kHasDefault),
             (num_inference_steps, schema::field_about<&Generation::num_inference_steps>,
              schema::kHasDefault),
             (seed, schema::field_about<&Generation::seed>),
             (cost_credits, "What it costs; the service's decision, so no client sends it.",
              schema::kHasDefault | schema::kInternal))

}  // namespace gesso::models
