#include "gesso/providers/preview.hpp"

#include <algorithm>
#include <charconv>

#include "gesso/base/crypto.hpp"
#include "gesso/providers/sketch.hpp"

namespace gesso::providers {
namespace {

using models::Generation;

std::uint64_t seed_of(const Generation& generation, std::int64_t index) {
  const std::string text =
      generation.seed ? std::to_string(generation.seed->value()) + "\n" + generation.prompt.str()
                      : generation.id.str();
  const Digest digest = sha256(text + "\n" + std::to_string(index));
  std::uint64_t seed = 0;
  for (int byte = 0; byte < 8; ++byte) seed = seed << 8 | digest.at(static_cast<std::size_t>(byte));
  return seed;
}

// "1792x1024" as two numbers, shrunk to `edge` where that is smaller.
std::pair<int, int> size_of(std::string_view text, int edge) {
  int width = 0;
  int height = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, width);
  std::from_chars(read.ptr + 1, end, height);
  const int longest = std::max(width, height);
  if (edge <= 0 || edge >= longest) return {width, height};
  return {std::max(1, width * edge / longest), std::max(1, height * edge / longest)};
}

}  // namespace

Answer Preview::begin(const Job& job, const client::Call& call) {
  const Generation& wanted = job.generation;
  const auto [width, height] = size_of(to_string(wanted.image_size), options_.edge);
  Painted painted;
  for (std::int64_t index = 0; index < wanted.num_images.value(); ++index) {
    if (call.ended()) return NoAnswer{.reason = "It was stopped."};
    const std::uint64_t seed = seed_of(wanted, index);
    const std::string_view unwanted =
        wanted.negative_prompt ? std::string_view(wanted.negative_prompt->str()) : "";
    images::Raster picture =
        draw(scene_of(wanted.prompt.str(), unwanted, seed), seed, width, height);
    mark_as_preview(picture);
    painted.images.push_back(
        {.bytes = images::encode_png(
             picture, {{"Software", "Gesso"},
                       {"Comment", "A preview that was drawn without a model, for want of one."}}),
         .type = "image/png"});
  }
  return painted;
}

}  // namespace gesso::providers
