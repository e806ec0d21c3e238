// Draws a picture for a prompt without any model: words of the prompt choose the light (sunset,
// night, storm, ...) and what stands in it (mountains, sea, trees, a city, ...); seed and size do
// the rest. For development, demonstrations and load tests: a strip along the lower edge says that
// it is a preview.
//
// Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "gesso/images/raster.hpp"

namespace gesso::providers {

// What the words of a prompt chose.
struct Scene {
  enum class Light { kDay, kSunset, kDawn, kNight, kStorm, kAurora };
  enum class Season { kSummer, kAutumn, kWinter, kDesert };
  Light light = Light::kDay;
  Season season = Season::kSummer;
  bool mountains = false;
  bool hills = false;
  bool water = false;
  bool trees = false;
  bool city = false;
  bool moon = false;
  bool stars = false;
  bool clouds = false;
  bool flowers = false;
  bool lighthouse = false;

  friend bool operator==(const Scene&, const Scene&) = default;
};

// What the seed chooses where no word is known. What stands in `negative_prompt` is left out.
[[nodiscard]] Scene scene_of(std::string_view prompt, std::string_view negative_prompt,
                             std::uint64_t seed);

// The same picture for the same arguments. REQUIRES: 1 to 8192 pixels a side.
[[nodiscard]] images::Raster draw(const Scene& scene, std::uint64_t seed, int width, int height);

// Writes PREVIEW into a strip along the lower edge, as large as the picture allows; a picture of
// less than 32 pixels a side is left alone.
void mark_as_preview(images::Raster& raster);

}  // namespace gesso::providers
