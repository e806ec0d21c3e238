// The page at /docs and what it loads, as bytes within the program. web/embed.mjs writes the
// source that defines them, from packages that web/package.json pins; with the build option
// GESSO_DOCS=OFF they come from web/without_viewer.cpp. Constant.
#pragma once

#include <span>
#include <string_view>

namespace gesso::api {

struct DocsAsset {
  std::string_view name;  // holds a hash of its bytes: "swagger-ui.0123456789ab.css"
  std::string_view type;  // its Content-Type
  std::string_view gzip;  // its bytes, compressed
};

// HTML, not compressed.
[[nodiscard]] std::string_view docs_page() noexcept;
[[nodiscard]] std::span<const DocsAsset> docs_assets() noexcept;

}  // namespace gesso::api
