#include <algorithm>
#include <array>
#include <string>

#include "gesso/base/text.hpp"
#include "gesso/providers/sketch.hpp"

namespace gesso::providers {
namespace {

using Light = Scene::Light;
using Season = Scene::Season;

// What a word, or the beginning of one, says. The first light and season that are named count.
struct Word {
  std::string_view begins;
  void (*says)(Scene&);
};

constexpr auto kLights = std::to_array<std::pair<std::string_view, Light>>({
    {"sunset", Light::kSunset},
    {"dusk", Light::kSunset},
    {"evening", Light::kSunset},
    {"golden", Light::kSunset},
    {"twilight", Light::kSunset},
    {"sunrise", Light::kDawn},
    {"dawn", Light::kDawn},
    {"morning", Light::kDawn},
    {"mist", Light::kDawn},
    {"fog", Light::kDawn},
    {"night", Light::kNight},
    {"midnight", Light::kNight},
    {"moon", Light::kNight},
    {"star", Light::kNight},
    {"space", Light::kNight},
    {"galax", Light::kNight},
    {"dark", Light::kNight},
    {"storm", Light::kStorm},
    {"thunder", Light::kStorm},
    {"rain", Light::kStorm},
    {"gloom", Light::kStorm},
    {"aurora", Light::kAurora},
    {"northern lights", Light::kAurora},
    {"neon", Light::kAurora},
});

constexpr auto kSeasons = std::to_array<std::pair<std::string_view, Season>>({
    {"snow", Season::kWinter},
    {"winter", Season::kWinter},
    {"ice", Season::kWinter},
    {"glacier", Season::kWinter},
    {"autumn", Season::kAutumn},
    {"fall ", Season::kAutumn},
    {"maple", Season::kAutumn},
    {"desert", Season::kDesert},
    {"dune", Season::kDesert},
    {"canyon", Season::kDesert},
    {"sahara", Season::kDesert},
});

constexpr auto kMotifs = std::to_array<Word>({
    {"mountain", [](Scene& scene) { scene.mountains = true; }},
    {"alps", [](Scene& scene) { scene.mountains = true; }},
    {"peak", [](Scene& scene) { scene.mountains = true; }},
    {"volcano", [](Scene& scene) { scene.mountains = true; }},
    {"hill", [](Scene& scene) { scene.hills = true; }},
    {"meadow", [](Scene& scene) { scene.hills = scene.flowers = true; }},
    {"field", [](Scene& scene) { scene.hills = true; }},
    {"dune", [](Scene& scene) { scene.hills = true; }},
    {"valley", [](Scene& scene) { scene.hills = scene.mountains = true; }},
    {"sea", [](Scene& scene) { scene.water = true; }},
    {"ocean", [](Scene& scene) { scene.water = true; }},
    {"lake", [](Scene& scene) { scene.water = true; }},
    {"river", [](Scene& scene) { scene.water = true; }},
    {"beach", [](Scene& scene) { scene.water = true; }},
    {"water", [](Scene& scene) { scene.water = true; }},
    {"boat", [](Scene& scene) { scene.water = true; }},
    {"harbo", [](Scene& scene) { scene.water = true; }},
    {"tree", [](Scene& scene) { scene.trees = true; }},
    {"forest", [](Scene& scene) { scene.trees = scene.hills = true; }},
    {"wood", [](Scene& scene) { scene.trees = scene.hills = true; }},
    {"pine", [](Scene& scene) { scene.trees = true; }},
    {"jungle", [](Scene& scene) { scene.trees = scene.hills = true; }},
    {"city", [](Scene& scene) { scene.city = true; }},
    {"skyline", [](Scene& scene) { scene.city = true; }},
    {"town", [](Scene& scene) { scene.city = true; }},
    {"street", [](Scene& scene) { scene.city = true; }},
    {"skyscraper", [](Scene& scene) { scene.city = true; }},
    {"building", [](Scene& scene) { scene.city = true; }},
    {"moon", [](Scene& scene) { scene.moon = true; }},
    {"star", [](Scene& scene) { scene.stars = true; }},
    {"cloud", [](Scene& scene) { scene.clouds = true; }},
    {"sky", [](Scene& scene) { scene.clouds = true; }},
    {"flower", [](Scene& scene) { scene.flowers = scene.hills = true; }},
    {"garden", [](Scene& scene) { scene.flowers = scene.hills = true; }},
    {"lighthouse", [](Scene& scene) { scene.lighthouse = scene.water = true; }},
});

// Whether some word of the text begins so.
bool has(std::string_view text, std::string_view begins) {
  for (std::size_t at = text.find(begins); at != std::string_view::npos;
       at = text.find(begins, at + 1)) {
    if (at == 0 || !is_letter_or_digit(text[at - 1])) return true;
  }
  return false;
}

template <class Table, class Value>
bool choose(std::string_view text, const Table& table, Value& value) {
  const auto found =
      std::ranges::find_if(table, [&](const auto& entry) { return has(text, entry.first); });
  if (found == std::end(table)) return false;
  value = found->second;
  return true;
}

bool has_motif(const Scene& scene) {
  return scene.mountains || scene.hills || scene.water || scene.trees || scene.city ||
         scene.flowers || scene.lighthouse;
}

}  // namespace

Scene scene_of(std::string_view prompt, std::string_view negative_prompt, std::uint64_t seed) {
  const std::string wanted = lower(prompt);
  const std::string unwanted = lower(negative_prompt);
  Scene scene;
  if (!choose(wanted, kLights, scene.light)) {
    scene.light = std::array{Light::kDay, Light::kSunset, Light::kDawn, Light::kDay}[seed % 4];
  }
  choose(wanted, kSeasons, scene.season);
  for (const Word& word : kMotifs) {
    if (has(wanted, word.begins) && !has(unwanted, word.begins)) word.says(scene);
  }
  if (!has_motif(scene)) {
    scene.mountains = seed / 4 % 3 != 0;
    scene.hills = seed / 12 % 2 == 0;
    scene.water = !scene.mountains || seed / 24 % 2 == 0;
  }
  if (scene.light == Light::kNight) scene.moon = scene.stars = true;
  if (scene.light == Light::kAurora) scene.stars = true;
  if (scene.season == Season::kDesert) scene.hills = true;
  return scene;
}

}  // namespace gesso::providers
