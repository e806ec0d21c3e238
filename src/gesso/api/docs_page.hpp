// The page at /docs and what it loads, as bytes within the program. web/embed.mjs writes the
// source that defines them, from packages that web/package.json pins; with the build option
// GESSO_DOCS=OFF they come from web/without_viewer.cpp. Constant.
#pragma once

#include <span>
#include <string_view>

#include "gesso/api/embedded.hpp"

namespace gesso::api {

// HTML, not compressed.
[[nodiscard]] std::string_view docs_page() noexcept;
[[nodiscard]] std::span<const EmbeddedAsset> docs_assets() noexcept;

}  // namespace gesso::api
