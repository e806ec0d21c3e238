// The page is at /console, also behind a proxy that adds a prefix: what it loads is named relative
// to it. `npx vite` serves it while it is worked on, over a service on 127.0.0.1:8080.
import { defineConfig } from "vite";

const api = "http://127.0.0.1:8080";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    cssCodeSplit: false,
  },
  experimental: {
    renderBuiltUrl: (file, { hostType }) => (hostType === "html" ? `console/${file}` : { relative: true }),
  },
  server: { proxy: { "/api": api, "/images": api, "/openapi.json": api } },
});
