// The preview: one picture for one prompt, seed and size, whoever asks and whenever.
#include "gesso/providers/preview.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace gesso::providers {
namespace {

models::Generation wanted(const std::string& prompt) {
  models::Generation generation{.id = models::GenerationId("gen_1"),
                                .user_id = models::UserId("user_1"),
                                .prompt = prompt,
                                .created_at = Time{},
                                .updated_at = Time{}};
  generation.image_size = models::ImageSize::kSquare256;
  return generation;
}

std::vector<images::Blob> painted(const models::Generation& generation,
                                  PreviewOptions options = {}) {
  Preview preview(options);
  const domain::ModelEntry model;
  Answer answer = preview.begin({.generation = generation, .model = model}, {});
  return std::get<Painted>(std::move(answer)).images;
}

TEST(Preview, PaintsTheSameBytesForTheSameInput) {
  models::Generation generation = wanted("A beautiful sunset over mountains");
  generation.seed = models::Seed(7);
  const auto first = painted(generation);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(first[0].bytes.starts_with("\x89PNG"));
  generation.id = models::GenerationId("gen_2");
  EXPECT_EQ(painted(generation)[0].bytes, first[0].bytes);
  generation.seed = models::Seed(8);
  EXPECT_NE(painted(generation)[0].bytes, first[0].bytes);
}

TEST(Preview, WithoutASeedTheGenerationIsOne) {
  models::Generation generation = wanted("A fox");
  const auto first = painted(generation);
  EXPECT_EQ(painted(generation)[0].bytes, first[0].bytes);
  generation.id = models::GenerationId("gen_2");
  EXPECT_NE(painted(generation)[0].bytes, first[0].bytes);
}

TEST(Preview, PaintsAsManyAsWereAskedForEachAnother) {
  models::Generation generation = wanted("The sea at night");
  generation.num_images = 3;
  const auto images = painted(generation, {.edge = 64});
  ASSERT_EQ(images.size(), 3U);
  EXPECT_NE(images[0].bytes, images[1].bytes);
  EXPECT_NE(images[1].bytes, images[2].bytes);
}

TEST(Preview, SaysInThePictureThatItIsOne) {
  const auto images = painted(wanted("A forest"));
  EXPECT_NE(images[0].bytes.find("review"), std::string::npos) << "none of the PNG's texts";
}

}  // namespace
}  // namespace gesso::providers
