// Reads JPEG by libjpeg-turbo. For raster.cpp alone. Pure functions; thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "gesso/images/raster.hpp"

namespace gesso::images {

// Both: std::nullopt for what libjpeg cannot read, and for what has more scans than a picture
// needs.
[[nodiscard]] std::optional<Size> jpeg_size(std::string_view bytes);
// Of whatever size it says that it is: who asks has looked at that.
[[nodiscard]] std::optional<Raster> decode_jpeg(std::string_view bytes);

}  // namespace gesso::images
