// node embed.mjs NODE_MODULES OUTPUT: writes the page at /docs and all that it loads as a C++ source
// that defines what src/gesso/api/docs_page.hpp declares. A file's name holds a hash of its bytes,
// so that browsers may keep it for good; its bytes are compressed here, once.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const [nodeModules, output] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const viewer = join(nodeModules, "swagger-ui-dist");
const files = [
  join(viewer, "swagger-ui-bundle.js"),
  join(viewer, "swagger-ui.css"),
  join(viewer, "favicon-32x32.png"),
  join(here, "docs.js"),
  join(here, "docs.css"),
];
const types = { ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png" };

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

let page = readFileSync(join(here, "docs.html"), "utf8");
const assets = files.map((file) => {
  const bytes = readFileSync(file);
  const type = extname(file);
  const name = file.slice(dirname(file).length + 1);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const hashed = `${name.slice(0, -type.length)}.${hash}${type}`;
  page = page.replaceAll(`{{${name}}}`, hashed);
  return { name: hashed, type: types[type], gzip: gzipSync(bytes, { level: 9 }) };
});
if (page.includes("{{")) throw new Error("docs.html names a file that is not embedded");

writeFileSync(
  output,
  `// Made by web/embed.mjs.
#include "gesso/api/docs_page.hpp"

#include <array>

namespace gesso::api {
namespace {

using namespace std::string_view_literals;

constexpr std::array kAssets = {
${assets
  .map(({ name, type, gzip }) => `DocsAsset{.name = "${name}"sv, .type = "${type}"sv, .gzip =\n${literal(gzip)}sv},`)
  .join("\n")}
};

constexpr std::string_view kPage =
${literal(Buffer.from(page))}sv;

}  // namespace

std::string_view docs_page() noexcept { return kPage; }
std::span<const DocsAsset> docs_assets() noexcept { return kAssets; }

}  // namespace gesso::api
`,
);
