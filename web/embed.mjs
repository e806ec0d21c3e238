// node embed.mjs NODE_MODULES OUTPUT: writes the page at /docs and all that it loads as a C++ source
// that defines what src/gesso/api/docs_page.hpp declares. A file's name holds a hash of its bytes,
// so that browsers may keep it for good.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { types, writeSource } from "./cpp_source.mjs";

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

let page = readFileSync(join(here, "docs.html"), "utf8");
const assets = files.map((file) => {
  const bytes = readFileSync(file);
  const type = extname(file);
  const name = file.slice(dirname(file).length + 1);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const hashed = `${name.slice(0, -type.length)}.${hash}${type}`;
  page = page.replaceAll(`{{${name}}}`, hashed);
  return { name: hashed, type: types[type], bytes };
});
if (page.includes("{{")) throw new Error("docs.html names a file that is not embedded");

writeSource(output, { name: "docs", maker: "web/embed.mjs", page, assets });
