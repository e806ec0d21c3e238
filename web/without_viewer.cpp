// In place of what embed.mjs and embed_console.mjs make, where the program is built with
// GESSO_DOCS=OFF.
#include "gesso/api/console_page.hpp"
#include "gesso/api/docs_page.hpp"

namespace gesso::api {

std::string_view docs_page() noexcept {
  return R"(<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Gesso API</title>
<p>This program was built without a viewer for its API (<code>GESSO_DOCS=OFF</code>). Any viewer of
OpenAPI 3.1 shows its document: <a href="openapi.json">openapi.json</a>.</p>
</html>
)";
}

std::string_view console_page() noexcept {
  return R"(<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Gesso</title>
<p>This program was built without its console (<code>GESSO_DOCS=OFF</code>). What it can do is in
<a href="openapi.json">openapi.json</a>.</p>
</html>
)";
}

std::span<const EmbeddedAsset> docs_assets() noexcept { return {}; }
std::span<const EmbeddedAsset> console_assets() noexcept { return {}; }

}  // namespace gesso::api
