// node embed_console.mjs BUILT OUTPUT: writes what Vite built from web/console as a C++ source that
// defines what src/gesso/api/console_page.hpp declares. Vite puts a hash into each file's name.
import { readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { types, writeSource } from "./cpp_source.mjs";

const [built, output] = process.argv.slice(2);
const assets = readdirSync(join(built, "assets"))
  .sort()
  .map((name) => ({ name, type: types[extname(name)], bytes: readFileSync(join(built, "assets", name)) }));
for (const { name, type } of assets) if (!type) throw new Error(`no Content-Type is known for ${name}`);
const page = readFileSync(join(built, "index.html"), "utf8");
writeSource(output, { name: "console", maker: "web/embed_console.mjs", page, assets });
