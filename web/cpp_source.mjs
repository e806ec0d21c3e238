// Pages and files as C++ sources, for src/gesso/api/embedded.hpp.
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

export const types = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

// Octal escapes have a fixed length, so that a digit behind one is no part of it.
const literal = (bytes) => {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 64) {
    let line = "";
    for (const byte of bytes.subarray(i, i + 64)) line += "\\" + byte.toString(8).padStart(3, "0");
    lines.push(`"${line}"`);
  }
  return lines.join("\n");
};

// Writes the source that defines `NAME_page` and `NAME_assets`, declared in NAME_page.hpp. `page` is
// text, `assets` are {name, type, bytes}, which are compressed here, once.
export function writeSource(output, { name, maker, page, assets }) {
  const items = assets.map(
    ({ name, type, bytes }) =>
      `EmbeddedAsset{.name = "${name}"sv, .type = "${type}"sv, .gzip =\n${literal(gzipSync(bytes, { level: 9 }))}sv},`,
  );
  writeFileSync(
    output,
    `// Made by ${maker}.
#include "gesso/api/${name}_page.hpp"

#include <array>

namespace gesso::api {
namespace {

using namespace std::string_view_literals;

constexpr std::array kAssets = {
${items.join("\n")}
};

constexpr std::string_view kPage =
${literal(Buffer.from(page))}sv;

}  // namespace

std::string_view ${name}_page() noexcept { return kPage; }
std::span<const EmbeddedAsset> ${name}_assets() noexcept { return kAssets; }

}  // namespace gesso::api
`,
  );
}
