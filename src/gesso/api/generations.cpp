// A user's generations. All of them are the caller's: another's is as good as none.
#include <spdlog/spdlog.h>

#include "gesso/api/operations.hpp"
#include "gesso/base/error.hpp"
#include "gesso/domain/charging.hpp"
#include "gesso/repositories/generation_repository.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/violation.hpp"

namespace gesso::api {
namespace {

using models::Generation;
using models::GenerationStatus;
using repositories::GenerationRepository;

using NotEnoughCredits = Problem<402, "not_enough_credits", "Not enough credits">;
using NotActive = Problem<401, "unauthorized", "Unauthorized">;

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
  GenerationRequest body;
};
GESSO_FIELDS(CreateGeneration, (body, "What images to make."))

struct ListGenerations {
  std::optional<GenerationStatus> status = {};
  schema::Integer<1, 100> limit = 20;
  std::string cursor = {};
};
GESSO_FIELDS(ListGenerations, (status, "Only those of this status."),
             (limit, "At most so many.", schema::kHasDefault),
             (cursor, "`next_cursor` of the page before.", schema::kHasDefault))

struct GetGeneration {
  std::string id;
};
GESSO_FIELDS(GetGeneration, (id, "Which one."))

namespace {

Result<Generation, NotEnoughCredits, NotActive> create_generation(DatabaseCall& call,
                                                                  const CreateGeneration& asked) {
  const GenerationRequest& wanted = asked.body;
  if (wanted.user_id && *wanted.user_id != call.user_id()) {
    Violation violation = schema::value_error("must be the caller's, or left out", "another's");
    violation.path = {"user_id"};
    throw validation_error({std::move(violation)});
  }
  const auto outcome = call.make<domain::Charging>().charge_and_create(
      {.user_id = call.user_id(),
       .prompt = wanted.prompt,
       .negative_prompt = wanted.negative_prompt,
       .model_type = wanted.model_type,
       .image_size = wanted.image_size,
       .num_images = wanted.num_images,
       .guidance_scale = wanted.guidance_scale,
       .num_inference_steps = wanted.num_inference_steps,
       .seed = wanted.seed,
       .cost_credits = wanted.num_images.value()});  // an image, a credit
  if (const auto* refused = std::get_if<domain::NotEnoughCredits>(&outcome)) {
    return NotEnoughCredits{.detail = "Not enough credits: " + std::to_string(refused->required) +
                                      " needed, " + std::to_string(refused->available) + " left"};
  }
  if (std::holds_alternative<domain::UserNotActive>(outcome)) {
    return NotActive{.detail = "The token's user is not active"};
  }
  return std::get<Generation>(outcome);
}

Result<Page<Generation>> list_generations(DatabaseCall& call, const ListGenerations& asked) {
  auto page = call.make<GenerationRepository>().page_by_user(
      call.user_id(), asked.status,
      {.limit = asked.limit, .cursor = asked.cursor, .skip_undecodable = [&](const Error& error) {
         spdlog::error("{}: left out of a list: {}", call.request_id, error.what());
       }});
  return Page<Generation>{.items = std::move(page.items), .next_cursor = std::move(page.next)};
}

Result<Generation, NotFound> get_generation(DatabaseCall& call, const GetGeneration& asked) {
  if (const auto id = models::GenerationId::parse(asked.id)) {
    auto generation = call.make<GenerationRepository>().find_by_id(*id);
    if (generation && generation->user_id == call.user_id()) return *std::move(generation);
  }
  return NotFound{.detail = "There is no such generation"};
}

Result<repositories::GenerationStats> get_generation_stats(DatabaseCall& call, const NoInput&) {
  return call.make<GenerationRepository>().get_user_stats(call.user_id());
}

constexpr Operation kOperations[] = {
    operation<create_generation>({.method = http::Method::kPost,
                                  .path = "/api/v1/generations",
                                  .id = "createGeneration",
                                  .tag = "Generations",
                                  .summary = "Ask for images; a credit an image.",
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
};

}  // namespace

Operations generation_operations() { return kOperations; }

}  // namespace gesso::api
