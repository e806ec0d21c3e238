// Nanoseconds for a document through the codec, on generations as the service stores them.
#include <benchmark/benchmark.h>

#include "gesso/models/generation.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/json.hpp"

namespace {

using gesso::models::Generation;

Generation sample() {
  const auto document = gesso::bson::make_document(
      "_id", "gen_01J9ZQ3V7X5R2M8K4T6W0Y1B3C", "user_id", "user_01J9ZQ3V7X5R2M8K4T6W0Y1B3D",
      "prompt", "A beautiful sunset over mountains, oil on canvas", "negative_prompt",
      "blurry, low quality", "model_type", "stable-diffusion-xl", "image_size", "1024x1024",
      "num_images", 1, "guidance_scale", 7.5, "num_inference_steps", 50, "status", "completed",
      "replicate_prediction_id", "pred_abc123", "result_urls",
      gesso::bson::make_array("https://replicate.delivery/pbxt/abc/out-0.png"), "blob_urls",
      gesso::bson::make_array("https://storage.blob.core.windows.net/images/abc.png"),
      "cost_credits", 1, "credits_from_subscription", 0, "credits_from_balance", 1,
      "processing_time_ms", 5000, "attempts", 1, "created_at",
      gesso::Time{std::chrono::milliseconds{1'770'000'000'000}}, "completed_at",
      gesso::Time{std::chrono::milliseconds{1'770'000'005'000}}, "updated_at",
      gesso::Time{std::chrono::milliseconds{1'770'000'005'000}});
  return gesso::schema::from_bson<Generation>(document);
}

void encode_bson(benchmark::State& state) {
  const Generation generation = sample();
  for (auto _ : state) benchmark::DoNotOptimize(gesso::schema::to_bson(generation));
}
BENCHMARK(encode_bson);

void decode_bson(benchmark::State& state) {
  const auto document = gesso::schema::to_bson(sample());
  for (auto _ : state) benchmark::DoNotOptimize(gesso::schema::from_bson<Generation>(document));
}
BENCHMARK(decode_bson);

void encode_json(benchmark::State& state) {
  const Generation generation = sample();
  for (auto _ : state) benchmark::DoNotOptimize(gesso::schema::to_json(generation));
}
BENCHMARK(encode_json);

void decode_json_request(benchmark::State& state) {
  const std::string text =
      R"({"user_id": "user_01J9ZQ3V7X5R2M8K4T6W0Y1B3D",)"
      R"( "prompt": "A beautiful sunset over mountains, oil on canvas", "num_images": 1})";
  for (auto _ : state) {
    benchmark::DoNotOptimize(gesso::schema::from_json<gesso::models::GenerationCreate>(text));
  }
}
BENCHMARK(decode_json_request);

}  // namespace
