// The console at /console and what it loads, as bytes within the program. Vite builds them from
// web/console, web/embed_console.mjs writes the source that defines them; with the build option
// GESSO_DOCS=OFF they come from web/without_viewer.cpp. Constant.
#pragma once

#include <span>
#include <string_view>

#include "gesso/api/embedded.hpp"

namespace gesso::api {

// HTML, not compressed.
[[nodiscard]] std::string_view console_page() noexcept;
[[nodiscard]] std::span<const EmbeddedAsset> console_assets() noexcept;

}  // namespace gesso::api
