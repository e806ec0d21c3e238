// A user's generations. All of them are the caller's: another's is as good as none.
#include <spdlog/spdlog.h>

#include <charconv>

#include "gesso/api/generation_events.hpp"
#include "gesso/api/idempotency_key.hpp"
#include "gesso/api/operations.hpp"
#include "gesso/base/error.hpp"
#include "gesso/domain/admission.hpp"
#include "gesso/domain/generation_images.hpp"
#include "gesso/domain/generations.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::api {
namespace {

using models::Generation;
using models::GenerationStatus;

using NotEnoughCredits = Problem<402, "not_enough_credits", "Not enough credits">;
using NotActive = Problem<401, "unauthorized", "Unauthorized">;
using InProgress = Problem<409, "request_in_progress", "Request in progress">;
using NotFinished = Problem<409, "not_finished", "Not finished">;
using NotWatched = Problem<503, "not_watched", "Events are not offered">;
using AlreadyFinished = Problem<409, "already_finished", "Already finished">;

}  // namespace

struct GenerationRequest {
  std::optional<models::UserId> user_id = {};
  models::Prompt prompt;
  std::optional<models::NegativePrompt> negative_prompt = {};
  models::ModelType model_type = models::ModelType::kStableDiffusionXl;
  models::ImageSize image_size = models::ImageSize::kSquare1024;
  models::NumImages num_images = 1;
  models::GuidanceScale guidance_scale = 7.5;
  models::InferenceSteps num_inference_steps = 50;
  std::optional<models::Seed> seed = {};

  static constexpr std::string_view kName = "GenerationRequest";
  static constexpr std::string_view kAbout = "What images to make.";
  static constexpr std::string_view kExample =
      R"({"prompt": "A lighthouse at dusk, oil on canvas", "num_images": 1})";
};
GESSO_FIELDS(GenerationRequest, (user_id, "The caller's own id, or left out."),
             (prompt, schema::field_about<&Generation::prompt>),
             (negative_prompt, schema::field_about<&Generation::negative_prompt>),
             (model_type, schema::field_about<&Generation::model_type>, schema::kHasDefault),
             (image_size, schema::field_about<&Generation::image_size>, schema::kHasDefault),
             (num_images, schema::field_about<&Generation::num_images>, schema::kHasDefault),
             (guidance_scale, schema::field_about<&Generation::guidance_scale>,
              schema::kHasDefault),
             (num_inference_steps, schema::field_about<&Generation::num_inference_steps>,
              schema::kHasDefault),
             (seed, schema::field_about<&Generation::seed>))

struct CreateGeneration {
  std::optional<std::string> idempotency_key = {};
  GenerationRequest body;
};
GESSO_FIELDS(CreateGeneration,
             (idempotency_key,
              "Up to 255 characters of the client's choice, in quotes or bare. A request that is "
              "sent again with the key of one before makes no second generation: it gets the one "
              "that was made, for as long as that is not deleted.",
              kFromHeader),
             (body, "What images to make."))

struct ListGenerations {
  std::optional<GenerationStatus> status = {};
  schema::Integer<1, 100> limit = 20;
  std::string cursor = {};
};
GESSO_FIELDS(ListGenerations, (status, "Only those of this status."),
             (limit, "At most so many.", schema::kHasDefault),
             (cursor, "`next_cursor` of the page before.", schema::kHasDefault))

struct OneGeneration {
  std::string id;
};
GESSO_FIELDS(OneGeneration, (id, "Which one."))

struct WatchGeneration {
  std::string id;
  std::optional<std::string> last_event_id = {};
};
GESSO_FIELDS(WatchGeneration, (id, "Which one."),
             (last_event_id, "The id of the last event that the client has seen.", kFromHeader))

namespace {

domain::Generations generations(const DatabaseCall& call) {
  return {call.session, call.services.repository_context, call.services.generation_hooks};
}

NotFound no_such_generation() { return {.detail = "There is no such generation"}; }

Result<Generation, NotEnoughCredits, NotActive, BadKey, KeyReused, InProgress> create_generation(
    DatabaseCall& call, const CreateGeneration& asked) {
  const GenerationRequest& wanted = asked.body;
  if (wanted.user_id && *wanted.user_id != call.user_id()) {
    Violation violation = schema::value_error("must be the caller's, or left out", "another's");
    violation.path = {"user_id"};
    throw validation_error({std::move(violation)});
  }
  std::optional<domain::IdempotencyKey> key;
  if (asked.idempotency_key) {
    key = read_key(*asked.idempotency_key);
    if (!key) return bad_key();
  }
  auto outcome = generations(call).create(
      {.user_id = call.user_id(),
       .prompt = wanted.prompt,
       .negative_prompt = wanted.negative_prompt,
       .model_type = wanted.model_type,
       .image_size = wanted.image_size,
       .num_images = wanted.num_images,
       .guidance_scale = wanted.guidance_scale,
       .num_inference_steps = wanted.num_inference_steps,
       .seed = wanted.seed,
       .cost_credits =
           wanted.num_images.value() * call.services.models->get(wanted.model_type).credits},
      key, {.expects_subscription = call.caller().tier != models::SubscriptionTier::kFree});
  if (auto* created = std::get_if<domain::Created>(&outcome)) {
    put_links(call.services, created->generation);
    return std::move(created->generation);
  }
  if (const auto* refused = std::get_if<domain::NotEnoughCredits>(&outcome)) {
    return NotEnoughCredits{.detail = "Not enough credits: " + std::to_string(refused->required) +
                                      " needed, " + std::to_string(refused->available) + " left"};
  }
  if (std::holds_alternative<domain::KeyReused>(outcome)) {
    return key_reused();
  }
  if (std::holds_alternative<domain::ChargeInProgress>(outcome)) {
    return InProgress{.detail = "A request with this key is on its way",
                      .retry_after = std::chrono::seconds(1)};
  }
  return NotActive{.detail = "The token's user is not active"};
}

Result<Page<Generation>> list_generations(ReadCall& call, const ListGenerations& asked) {
  auto page = generations(call).list(
      call.user_id(), asked.status,
      {.limit = asked.limit, .cursor = asked.cursor, .skip_undecodable = [&](const Error& error) {
         spdlog::error("{}: left out of a list: {}", call.request_id, error.what());
       }});
  for (Generation& generation : page.items) put_links(call.services, generation);
  return Page<Generation>{.items = std::move(page.items), .next_cursor = std::move(page.next)};
}

Result<Generation, NotFound> get_generation(ReadCall& call, const OneGeneration& asked) {
  if (const auto id = models::GenerationId::parse(asked.id)) {
    if (auto found = generations(call).get(call.user_id(), *id)) {
      put_links(call.services, *found);
      return *std::move(found);
    }
  }
  return no_such_generation();
}

Result<NoContent, NotFound, NotFinished> delete_generation(OutgoingCall& call,
                                                           const OneGeneration& asked) {
  const auto id = models::GenerationId::parse(asked.id);
  if (!id) return no_such_generation();
  const auto outcome = call.run([&](mongo::Session& session) {
    return domain::Generations(session, call.services.repository_context,
                               call.services.generation_hooks)
        .remove(call.user_id(), *id);
  });
  if (const auto* refused = std::get_if<domain::NotFinished>(&outcome)) {
    return NotFinished{.detail = "The generation is " + std::string(to_string(refused->status)) +
                                 "; cancel it first"};
  }
  if (std::holds_alternative<domain::NoSuchGeneration>(outcome)) return no_such_generation();
  // On this thread, which holds no connection any more.
  images::BlobStore* const store = call.services.generation_hooks.images;
  if (store != nullptr) {
    domain::remove_images(*store, std::get<domain::Deleted>(outcome).generation);
  }
  return NoContent{};
}

Result<Generation, NotFound, AlreadyFinished> cancel_generation(DatabaseCall& call,
                                                                const OneGeneration& asked) {
  const auto id = models::GenerationId::parse(asked.id);
  if (!id) return no_such_generation();
  auto outcome = generations(call).cancel(call.user_id(), *id);
  if (auto* cancelled = std::get_if<Generation>(&outcome)) return std::move(*cancelled);
  if (const auto* refused = std::get_if<domain::AlreadyFinished>(&outcome)) {
    return AlreadyFinished{.detail = "The generation is " +
                                     std::string(to_string(refused->generation.status))};
  }
  return no_such_generation();
}

// Asks, on a database worker, whether the caller's session or key is still good.
AskAdmission admission_of(const Services& services, const Caller& caller) {
  const domain::Identity identity{.user_id = caller.user_id,
                                  .session_id = models::SessionId::parse(caller.session_id),
                                  .api_key_id = caller.api_key_id};
  return [&services, identity](const std::function<void(bool)>& tell) {
    const auto look = [&services, identity, tell](mongo::Session& session) {
      bool admitted = false;
      try {
        admitted = domain::is_still_admitted(session, services.repository_context, identity);
      } catch (const Error& error) {
        spdlog::warn("an event stream ends, since its client cannot be looked up: {}",
                     error.what());
      }
      tell(admitted);
    };
    services.database.submit(Deadline::after(services.database.default_deadline()), look,
                             [tell](const std::exception_ptr&) { tell(false); });
  };
}

Result<EventStream, NotFound, NotWatched> watch_generation(DatabaseCall& call,
                                                           const WatchGeneration& asked) {
  const auto id = models::GenerationId::parse(asked.id);
  if (!id || !generations(call).get(call.user_id(), *id)) return no_such_generation();
  domain::GenerationWatch* const watch = call.services.generation_hooks.watch;
  if (watch == nullptr) return NotWatched{.detail = "This server offers no events"};
  std::int64_t after = -1;  // also for an id that is none of ours: then all is told
  if (asked.last_event_id) {
    const std::string& text = *asked.last_event_id;
    std::from_chars(text.data(), text.data() + text.size(), after);
  }
  const auto show = [&services = call.services](Generation seen) {
    put_links(services, seen);
    return seen;
  };
  return EventStream{.source = generation_events(*watch, *id, after, show,
                                                 admission_of(call.services, call.caller()))};
}

Result<repositories::GenerationStats> get_generation_stats(DatabaseCall& call, const NoInput&) {
  return generations(call).stats(call.user_id());
}

constexpr Operation kOperations[] = {
    operation<create_generation>({.method = http::Method::kPost,
                                  .path = "/api/v1/generations",
                                  .id = "createGeneration",
                                  .tag = "Generations",
                                  .summary = "Ask for images; each costs what its model does.",
                                  .scope = Scope::kGenerationsWrite,
                                  .limit = LimitClass::kGenerate,
                                  .status = 201,
                                  .location = "/api/v1/generations/{id}"}),
    operation<list_generations>({.path = "/api/v1/generations",
                                 .id = "listGenerations",
                                 .tag = "Generations",
                                 .summary = "The caller's generations, newest first.",
                                 .scope = Scope::kGenerationsRead}),
    operation<get_generation_stats>({.path = "/api/v1/generations/stats",
                                     .id = "getGenerationStats",
                                     .tag = "Generations",
                                     .summary = "How many there are, and how long they take.",
                                     .scope = Scope::kGenerationsRead}),
    operation<get_generation>({.path = "/api/v1/generations/{id}",
                               .id = "getGeneration",
                               .tag = "Generations",
                               .summary = "One generation of the caller's.",
                               .scope = Scope::kGenerationsRead}),
    operation<watch_generation>(
        {.path = "/api/v1/generations/{id}/events",
         .id = "watchGeneration",
         .tag = "Generations",
         .summary = "The states of a generation as they come, to the last.",
         .description =
             "Server-sent events: `event` is the status, `data` the generation. A client "
             "that comes back with `Last-Event-ID` is told what is new.",
         .scope = Scope::kGenerationsRead}),
    operation<delete_generation>({.method = http::Method::kDelete,
                                  .path = "/api/v1/generations/{id}",
                                  .id = "deleteGeneration",
                                  .tag = "Generations",
                                  .summary = "Delete a generation that has ended.",
                                  .scope = Scope::kGenerationsWrite,
                                  .limit = LimitClass::kWrite,
                                  .status = 204}),
    operation<cancel_generation>(
        {.method = http::Method::kPost,
         .path = "/api/v1/generations/{id}/cancel",
         .id = "cancelGeneration",
         .tag = "Generations",
         .summary = "Cancel a generation, or ask the worker that has begun it to stop.",
         .description = "The cost of one that had not begun is given back.",
         .scope = Scope::kGenerationsWrite,
         .limit = LimitClass::kWrite}),
};

}  // namespace

Operations generation_operations() { return kOperations; }

}  // namespace gesso::api
