// Reads JPEG by libjpeg-turbo. For raster.cpp alone. Pure functions; thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "gesso/images/raster.hpp"

namespace gesso::images {

// Both: at most `max_edge` pixels a side; std::nullopt for what libjpeg cannot read.
[[nodiscard]] std::optional<Size> jpeg_size(std::string_view bytes, int max_edge);
[[nodiscard]] std::optional<Raster> decode_jpeg(std::string_view bytes, int max_edge);

}  // namespace gesso::images
