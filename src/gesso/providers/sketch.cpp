#include "gesso/providers/sketch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace gesso::providers {
namespace {

using images::Raster;

struct Colour {
  double red = 0;
  double green = 0;
  double blue = 0;
};

constexpr Colour rgb(unsigned hex) {
  return {static_cast<double>(hex >> 16 & 0xFF), static_cast<double>(hex >> 8 & 0xFF),
          static_cast<double>(hex & 0xFF)};
}

Colour mix(const Colour& from, const Colour& to, double share) {
  const double t = std::clamp(share, 0.0, 1.0);
  return {from.red + (to.red - from.red) * t, from.green + (to.green - from.green) * t,
          from.blue + (to.blue - from.blue) * t};
}

double smooth(double from, double to, double value) {
  const double t = std::clamp((value - from) / (to - from), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

// Scatters the bits of a number (the finaliser of MurmurHash3).
constexpr std::uint64_t scatter(std::uint64_t bits) {
  bits ^= bits >> 33;
  bits *= 0xFF51AFD7ED558CCDULL;
  bits ^= bits >> 33;
  bits *= 0xC4CEB9FE1A85EC53ULL;
  return bits ^ bits >> 33;
}

// In [0, 1): the same for the same seed and place.
double random_at(std::uint64_t seed, std::int64_t x, std::int64_t y = 0) {
  const std::uint64_t bits =
      scatter(seed ^ scatter(static_cast<std::uint64_t>(x) * 0x9E3779B97F4A7C15ULL +
                             scatter(static_cast<std::uint64_t>(y))));
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

double noise(std::uint64_t seed, double x) {
  const double cell = std::floor(x);
  const auto at = static_cast<std::int64_t>(cell);
  const double left = random_at(seed, at);
  return left + (random_at(seed, at + 1) - left) * smooth(0, 1, x - cell);
}

double noise(std::uint64_t seed, double x, double y) {
  const double row = std::floor(y);
  const auto at = static_cast<std::int64_t>(row);
  const double above = noise(seed + static_cast<std::uint64_t>(at) * 7919, x);
  const double below = noise(seed + static_cast<std::uint64_t>(at + 1) * 7919, x);
  return above + (below - above) * smooth(0, 1, y - row);
}

// Noise of several sizes: jagged where each next one weighs much.
double ridge(std::uint64_t seed, double x, int octaves, double weight) {
  double sum = 0;
  double scale = 1;
  double total = 0;
  for (int octave = 0; octave < octaves; ++octave) {
    sum += scale * noise(seed + static_cast<std::uint64_t>(octave) * 101, x);
    total += scale;
    x = x * 2 + 17.3;
    scale *= weight;
  }
  return sum / total;
}

struct Palette {
  Colour zenith, middle, horizon;
  Colour sun, glow;
  Colour far, near;  // of what stands against the sky
  Colour water;
};

Palette palette_of(Scene::Light light) {
  switch (light) {
    case Scene::Light::kSunset:
      return {rgb(0x2B2A63), rgb(0xC8507A), rgb(0xFFB55A), rgb(0xFFF1C4),
              rgb(0xFF8A3C), rgb(0x8E4A7C), rgb(0x1C1330), rgb(0x5A3465)};
    case Scene::Light::kDawn:
      return {rgb(0x7FA3CF), rgb(0xF1C7C0), rgb(0xFFE7C9), rgb(0xFFFBEF),
              rgb(0xFFD9A8), rgb(0xA9AFC6), rgb(0x4F6072), rgb(0xA8B9CC)};
    case Scene::Light::kNight:
      return {rgb(0x060A1E), rgb(0x111C45), rgb(0x2C3F74), rgb(0xF4F1DE),
              rgb(0x8FA3D9), rgb(0x1E2A52), rgb(0x070A16), rgb(0x16224A)};
    case Scene::Light::kStorm:
      return {rgb(0x2B333C), rgb(0x4E5963), rgb(0x8F989C), rgb(0xB9C0C2),
              rgb(0x8F989C), rgb(0x55616A), rgb(0x1D2429), rgb(0x3E4A52)};
    case Scene::Light::kAurora:
      return {rgb(0x07122B), rgb(0x0F2F4B), rgb(0x1E5A63), rgb(0xE6FFF4),
              rgb(0x3DE0A0), rgb(0x17354F), rgb(0x050B16), rgb(0x11394A)};
    case Scene::Light::kDay:
      break;
  }
  return {rgb(0x2F7FD1), rgb(0x7DB9EC), rgb(0xD8EEF8), rgb(0xFFFDF0),
          rgb(0xFFF3C0), rgb(0x8FB0C6), rgb(0x2F5D3A), rgb(0x3F86B8)};
}

// What of the ground is left of each season.
Colour tint(const Scene& scene, const Colour& ground) {
  switch (scene.season) {
    case Scene::Season::kWinter:
      return mix(ground, rgb(0xF2F6FA), 0.62);
    case Scene::Season::kAutumn:
      return mix(ground, rgb(0xC4642B), 0.5);
    case Scene::Season::kDesert:
      return mix(ground, rgb(0xD9A25F), 0.6);
    case Scene::Season::kSummer:
      break;
  }
  return ground;
}

// One silhouette: for each column how far down from the top (0 to 1) it begins.
struct Layer {
  std::vector<double> top;
  Colour colour;
  Colour peak;  // of what is above the snow line
  double snow = -1;
  double haze = 0;  // how much of the horizon's colour its foot takes
};

class Painter {
  const Scene& scene_;
  const std::uint64_t seed_;
  Raster raster_;
  const Palette palette_;
  const double aspect_;
  double horizon_;  // where water begins, or the ground
  double sun_x_;
  double sun_y_;
  double sun_size_;
  std::vector<Layer> layers_;

  // Across the picture, in units of its height.
  [[nodiscard]] double across(int x) const { return aspect_ * (x + 0.5) / raster_.width; }

  template <class Top>
  Layer& add_layer(const Colour& colour, Top&& top) {
    Layer layer{.top = {}, .colour = colour, .peak = colour};
    layer.top.reserve(static_cast<std::size_t>(raster_.width));
    for (int x = 0; x < raster_.width; ++x) layer.top.push_back(top(across(x)));
    layers_.push_back(std::move(layer));
    return layers_.back();
  }

  void add_mountains() {
    constexpr int kRanges = 3;
    for (int range = 0; range < kRanges; ++range) {
      const double depth = static_cast<double>(range) / kRanges;
      const auto seed = seed_ + 1000 + static_cast<std::uint64_t>(range) * 97;
      const double base = horizon_ - 0.02 + 0.05 * depth;
      const double height = 0.42 - 0.1 * range;
      Layer& layer = add_layer(mix(palette_.far, palette_.near, depth + 0.12), [&](double x) {
        const double shape = ridge(seed, x * (1.7 + 0.9 * range) + 3.1 * range, 6, 0.52);
        return base - height * std::pow(std::max(0.0, shape * 1.5 - 0.32), 1.25);
      });
      layer.haze = 0.5 * (1 - depth);
      const bool is_high = range == 0 || scene_.season == Scene::Season::kWinter;
      if (is_high) {
        layer.snow = base - height * (scene_.season == Scene::Season::kWinter ? 0.18 : 0.5);
        layer.peak = mix(rgb(0xFFFFFF), palette_.horizon, 0.3);
        if (scene_.light == Scene::Light::kNight)
          layer.peak = mix(layer.peak, palette_.middle, 0.6);
      }
    }
  }

  void add_hills() {
    for (int range = 0; range < 2; ++range) {
      const auto seed = seed_ + 2000 + static_cast<std::uint64_t>(range) * 71;
      const Colour ground = scene_.light == Scene::Light::kDay ? rgb(0x5C9A4A) : palette_.near;
      add_layer(tint(scene_, mix(palette_.far, ground, 0.55 + 0.4 * range)), [&](double x) {
        return horizon_ + 0.02 + 0.13 * range - 0.11 * ridge(seed, x * 1.9, 3, 0.35);
      });
    }
  }

  void add_city() {
    const double width = 0.055;
    for (int row = 0; row < 2; ++row) {
      const auto seed = seed_ + 3000 + static_cast<std::uint64_t>(row) * 53;
      add_layer(mix(palette_.far, palette_.near, 0.35 + 0.6 * row), [&](double x) {
        const auto house = static_cast<std::int64_t>(std::floor(x / width + row * 0.5));
        const double height = 0.07 + (0.34 - 0.12 * row) * std::pow(random_at(seed, house), 1.6);
        return horizon_ + 0.03 - height;
      });
    }
  }

  void add_trees() {
    const double spacing = 0.045;
    const double ground = horizon_ + 0.16;
    add_layer(tint(scene_, mix(palette_.near, rgb(0x10301C), 0.35)), [&](double x) {
      double top = ground - 0.02 * ridge(seed_ + 4001, x * 3, 3, 0.5);
      const auto here = static_cast<std::int64_t>(std::floor(x / spacing));
      for (std::int64_t tree = here - 1; tree <= here + 1; ++tree) {
        const double centre =
            (static_cast<double>(tree) + 0.2 + 0.6 * random_at(seed_ + 4000, tree)) * spacing;
        const double height = 0.09 + 0.15 * random_at(seed_ + 4002, tree);
        const double half = height * 0.24;
        const double away = std::abs(x - centre);
        if (away >= half) continue;
        // A spruce: the tip, and branches that come out in steps.
        const double share = away / half;
        const double step = std::floor(share * 5) / 5;
        top = std::min(top, ground - height * (1 - (0.65 * share + 0.35 * step)));
      }
      return top;
    });
  }

  void add_lighthouse() {
    const double centre = aspect_ * (0.68 + 0.2 * random_at(seed_, 51));
    add_layer(mix(palette_.near, rgb(0x3A3030), 0.3), [&](double x) {
      const double away = std::abs(x - centre);
      return horizon_ + 0.015 - 0.07 * std::exp(-away * away * 60) + (away > 0.34 ? 1.0 : 0.0);
    });
    Layer& tower = add_layer(mix(rgb(0xF3EDE2), palette_.horizon, 0.25), [&](double x) {
      const double away = std::abs(x - centre);
      if (away < 0.012) return horizon_ - 0.41;
      return away < 0.022 ? horizon_ - 0.37 : (away < 0.032 ? horizon_ - 0.3 : 2.0);
    });
    tower.snow = horizon_ - 0.33;
    tower.peak = rgb(0xB5402F);
  }

  [[nodiscard]] Colour sky(double x, double y) const {
    const double up = y / horizon_;
    Colour colour = up < 0.55 ? mix(palette_.zenith, palette_.middle, up / 0.55)
                              : mix(palette_.middle, palette_.horizon, (up - 0.55) / 0.45);
    if (scene_.light == Scene::Light::kAurora) {
      const double curtain = 0.3 + 0.12 * std::sin(x * 4 + 5 * noise(seed_ + 61, x * 2));
      const double light =
          std::exp(-std::pow((y - curtain) / 0.13, 2)) * (0.45 + 0.55 * noise(seed_ + 62, x * 22));
      colour = mix(colour, mix(palette_.glow, rgb(0x8F5CFF), smooth(0.2, 0.0, y)), 0.75 * light);
    }
    if (scene_.clouds || scene_.light == Scene::Light::kStorm) {
      double cover = 0;
      for (int octave = 1; octave <= 4; ++octave) {
        const double scale = static_cast<double>(1 << octave);
        cover += noise(seed_ + 70 + static_cast<std::uint64_t>(octave), x * 1.3 * scale,
                       y * 3.4 * scale) /
                 scale;
      }
      const double cloud = smooth(0.5, 0.72, cover) * smooth(1.0, 0.6, up);
      const Colour white = mix(rgb(0xFFFFFF), palette_.horizon, 0.45);
      const bool is_dark = scene_.light == Scene::Light::kStorm;
      colour = mix(colour, is_dark ? palette_.zenith : white, 0.75 * cloud);
    }
    const double away = std::hypot(x - sun_x_, y - sun_y_);
    colour = mix(colour, palette_.glow,
                 0.75 * std::exp(-away * 3.6) * (scene_.light == Scene::Light::kStorm ? 0.2 : 1));
    return colour;
  }

  // The sky with what shines in it. `pixel` is a pixel's size.
  [[nodiscard]] Colour heaven(double x, double y, double pixel) const {
    Colour colour = sky(x, y);
    if (scene_.stars) {
      constexpr double kCell = 0.035;
      const auto column = static_cast<std::int64_t>(std::floor(x / kCell));
      const auto row = static_cast<std::int64_t>(std::floor(y / kCell));
      if (random_at(seed_ + 80, column, row) < 0.4) {
        const double star_x =
            (static_cast<double>(column) + 0.2 + 0.6 * random_at(seed_ + 81, column, row)) * kCell;
        const double star_y =
            (static_cast<double>(row) + 0.2 + 0.6 * random_at(seed_ + 82, column, row)) * kCell;
        const double size = 0.0012 + 0.0018 * random_at(seed_ + 83, column, row);
        const double light = smooth(size + pixel, 0, std::hypot(x - star_x, y - star_y));
        colour = mix(colour, rgb(0xFFFFFF), light * smooth(horizon_, 0.2, y));
      }
    }
    if (scene_.light == Scene::Light::kStorm) return colour;
    const double away = std::hypot(x - sun_x_, y - sun_y_);
    const double disc = smooth(sun_size_ + pixel, sun_size_ - pixel, away);
    if (scene_.moon) {
      const double shade = std::hypot(x - sun_x_ - 0.4 * sun_size_, y - sun_y_ + 0.15 * sun_size_);
      const double lit = disc * (1 - smooth(sun_size_ + pixel, sun_size_ - pixel, shade));
      return mix(colour, palette_.sun, lit);
    }
    return scene_.light == Scene::Light::kAurora ? colour : mix(colour, palette_.sun, disc);
  }

  [[nodiscard]] Colour ground(double x, double y, int column, double pixel) const {
    const double depth = (y - horizon_) / (1 - horizon_);
    if (!scene_.water) {
      const Colour base = scene_.light == Scene::Light::kDay ? rgb(0x4C8A3F) : palette_.near;
      Colour colour =
          tint(scene_, mix(mix(palette_.far, base, 0.6), mix(base, rgb(0), 0.25), depth));
      if (scene_.flowers) {
        const double cell = 0.012 + 0.03 * depth;
        const auto across = static_cast<std::int64_t>(std::floor(x / cell));
        const auto down = static_cast<std::int64_t>(std::floor(y / cell));
        const double pick = random_at(seed_ + 90, across, down);
        const double away = std::hypot(x - (static_cast<double>(across) + 0.5) * cell,
                                       y - (static_cast<double>(down) + 0.5) * cell);
        constexpr std::array kPetals{0xE0457BU, 0xF2C14EU, 0xF6F1E9U, 0x8A5BD1U};
        const auto petal =
            kPetals[static_cast<std::size_t>(random_at(seed_ + 91, across, down) * 4)];
        if (pick < 0.45) colour = mix(colour, rgb(petal), smooth(cell * 0.34, cell * 0.2, away));
      }
      return colour;
    }
    // The sky and what stands before it, upside down, broken by waves.
    const double wave =
        (noise(seed_ + 95, x * 9, y * (150 - 90 * depth)) - 0.5) * (0.01 + 0.05 * depth);
    const double mirrored = std::max(0.0, horizon_ - (y - horizon_) * 1.15 + wave);
    const auto shifted = static_cast<std::size_t>(
        std::clamp(column + static_cast<int>(wave * 0.4 * raster_.height), 0, raster_.width - 1));
    Colour colour = heaven(x + wave * 0.4, mirrored, pixel * 2);
    for (const Layer& layer : layers_) {
      if (mirrored >= layer.top[shifted]) colour = mix(layer.colour, palette_.water, 0.25);
    }
    colour = mix(colour, palette_.water, 0.3 + 0.35 * depth);
    // The sun's road.
    const double road = std::exp(-std::pow((x - sun_x_) / (0.03 + 0.22 * depth), 2));
    const double glitter = smooth(0.56, 0.8, noise(seed_ + 96, x * 14, y * (240 - 150 * depth)));
    if (scene_.light == Scene::Light::kStorm) return mix(colour, rgb(0xD8DEE0), 0.22 * glitter);
    return mix(colour, palette_.sun, 0.8 * road * glitter + 0.12 * road);
  }

  [[nodiscard]] Colour windows(const Layer& layer, std::size_t index, double x, double y) const {
    const bool is_city = scene_.city && index < 2;
    if (!is_city || scene_.light == Scene::Light::kDay) return layer.colour;
    constexpr double kCell = 0.011;
    const auto column = static_cast<std::int64_t>(std::floor(x / kCell));
    const auto row = static_cast<std::int64_t>(std::floor(y / kCell));
    const double in_x = x / kCell - static_cast<double>(column);
    const double in_y = y / kCell - static_cast<double>(row);
    const bool is_pane = in_x > 0.25 && in_x < 0.75 && in_y > 0.2 && in_y < 0.75;
    const bool is_lit = random_at(seed_ + 55 + index, column, row) < 0.42;
    return is_pane && is_lit ? mix(rgb(0xFFD98A), layer.colour, 0.15) : layer.colour;
  }

  [[nodiscard]] Colour at(int column, int row) const {
    const double pixel = 1.0 / raster_.height;
    const double x = across(column);
    const double y = (row + 0.5) * pixel;
    Colour colour = y < horizon_ ? heaven(x, y, pixel) : ground(x, y, column, pixel);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Layer& layer = layers_[i];
      const double top = layer.top[static_cast<std::size_t>(column)];
      const double inside = smooth(top - pixel, top + pixel, y);
      if (inside <= 0 || (scene_.water && y > horizon_ + 0.02)) continue;
      Colour own = windows(layer, i, x, y);
      if (layer.snow > 0) {
        const double edge = layer.snow + 0.05 * (noise(seed_ + 11, x * 30) - 0.5);
        own = mix(own, layer.peak, 0.85 * smooth(edge + 0.012, edge - 0.012, y));
      }
      own = mix(own, palette_.horizon, layer.haze * smooth(top, horizon_ + 0.02, y));
      colour = mix(colour, own, inside);
    }
    return colour;
  }

 public:
  Painter(const Scene& scene, std::uint64_t seed, int width, int height)
      : scene_(scene),
        seed_(scatter(seed + 1)),
        raster_(width, height),
        palette_(palette_of(scene.light)),
        aspect_(static_cast<double>(width) / height),
        horizon_(scene.water ? 0.62 : 0.66),
        sun_x_(aspect_ * (0.25 + 0.5 * random_at(seed_, 1))),
        sun_y_(0.2 + 0.1 * random_at(seed_, 2)),
        sun_size_(scene.moon ? 0.055 : 0.065) {
    if (scene.light == Scene::Light::kSunset || scene.light == Scene::Light::kDawn) {
      sun_y_ = horizon_ - (scene.mountains ? 0.27 : 0.11) - 0.05 * random_at(seed_, 3);
    }
    if (scene.city) add_city();
    if (scene.mountains) add_mountains();
    if (scene.hills && !scene.water) add_hills();
    if (scene.trees) add_trees();
    if (scene.lighthouse) add_lighthouse();
  }

  Raster paint() {
    for (int y = 0; y < raster_.height; ++y) {
      for (int x = 0; x < raster_.width; ++x) {
        const Colour colour = at(x, y);
        std::uint8_t* const pixel = raster_.pixel(x, y);
        pixel[0] = static_cast<std::uint8_t>(std::clamp(colour.red, 0.0, 255.0));
        pixel[1] = static_cast<std::uint8_t>(std::clamp(colour.green, 0.0, 255.0));
        pixel[2] = static_cast<std::uint8_t>(std::clamp(colour.blue, 0.0, 255.0));
      }
    }
    return std::move(raster_);
  }
};

// Five by seven, a bit a pixel, the leftmost in bit 4.
constexpr std::array<std::array<std::uint8_t, 7>, 7> kPreview{{
    {0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000},  // P
    {0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001},  // R
    {0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111},  // E
    {0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01010, 0b00100},  // V
    {0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110},  // I
    {0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111},  // E
    {0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001},  // W
}};

}  // namespace

Raster draw(const Scene& scene, std::uint64_t seed, int width, int height) {
  return Painter(scene, seed, width, height).paint();
}

void mark_as_preview(Raster& raster) {
  constexpr int kTextWidth = static_cast<int>(kPreview.size()) * 6 - 1;
  if (raster.width < 32 || raster.height < 32) return;
  const int scale = std::max(1, std::min(raster.width, raster.height) / 230);
  const int strip = 11 * scale;
  const int left = std::max(0, (raster.width - kTextWidth * scale) / 2);
  const int top = raster.height - strip + 2 * scale;
  for (int y = raster.height - strip; y < raster.height; ++y) {
    for (int x = 0; x < raster.width; ++x) {
      const int column = (x - left) / scale;
      const int row = (y - top) / scale;
      const bool is_inside = x >= left && column < kTextWidth && y >= top && row < 7;
      const bool is_ink =
          is_inside && column % 6 < 5 &&
          (kPreview[static_cast<std::size_t>(column / 6)][static_cast<std::size_t>(row)] >>
               (4 - column % 6) &
           1) != 0;
      std::uint8_t* const pixel = raster.pixel(x, y);
      for (int channel = 0; channel < 3; ++channel) {
        pixel[channel] = static_cast<std::uint8_t>(is_ink ? 245 : pixel[channel] * 2 / 5);
      }
    }
  }
}

}  // namespace gesso::providers
