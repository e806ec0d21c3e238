// A picture in memory, and what is done with one: smaller, as PNG, as WebP. Values and pure
// functions; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gesso::images {

// Rows from the top, three bytes (red, green, blue) a pixel.
struct Raster {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb = {};

  Raster() = default;
  Raster(int width_in, int height_in)
      : width(width_in),
        height(height_in),
        rgb(static_cast<std::size_t>(width_in) * static_cast<std::size_t>(height_in) * 3) {}

  [[nodiscard]] std::uint8_t* pixel(int x, int y) {
    return rgb.data() + 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                             static_cast<std::size_t>(x));
  }
  [[nodiscard]] const std::uint8_t* pixel(int x, int y) const {
    return const_cast<Raster*>(this)->pixel(x, y);
  }
};

// Of a PNG's tEXt chunks: a keyword of 1 to 79 Latin-1 characters and a text.
using PngTexts = std::vector<std::pair<std::string, std::string>>;

// The same bytes for the same raster and texts. Throws Error kInternal where libpng refuses, which
// takes a machine without memory.
[[nodiscard]] std::string encode_png(const Raster& raster, const PngTexts& texts = {});
// Lossy, at a quality of 0 to 100. Throws Error as `encode_png`.
[[nodiscard]] std::string encode_webp(const Raster& raster, float quality = 80);

// What kind of file the bytes begin like.
enum class Format { kPng, kJpeg, kWebp, kUnknown };
[[nodiscard]] Format format_of(std::string_view bytes) noexcept;
[[nodiscard]] std::string_view media_type(Format format) noexcept;  // "image/png"
// Whether they begin like an image that browsers show: one of those, a GIF or an AVIF.
[[nodiscard]] bool is_image(std::string_view bytes) noexcept;
[[nodiscard]] std::string_view extension(Format format) noexcept;  // "png"; "bin" for kUnknown

struct Size {
  int width = 0;
  int height = 0;
};
// What the head of a PNG, JPEG or WebP says, at most 8192 pixels a side and 40 million in all;
// std::nullopt for anything else. Reads no more than that.
[[nodiscard]] std::optional<Size> size_of(std::string_view bytes);
// A PNG, JPEG or WebP of at most that size, without its transparency; std::nullopt for
// anything else, and for a file that is damaged.
[[nodiscard]] std::optional<Raster> decode(std::string_view bytes);

// The same picture with at most `edge` pixels a side, each the mean of those it stands for; as it
// is where it is no larger.
[[nodiscard]] Raster shrink(const Raster& raster, int edge);

}  // namespace gesso::images
