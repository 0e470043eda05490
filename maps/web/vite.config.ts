import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** `npm run dev` serves the sources and hands these paths on to a running `wangge serve`. */
const service = "http://127.0.0.1:8000";

/** The map is loaded beside the entry, not after it: the page names its parts from the start. */
function preloadMap(): Plugin {
  return {
    name: "preload-map",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle }) {
        const parts = Object.values(bundle ?? {}).filter((each) => each.type === "chunk");
        const start = parts.find((each) => each.facadeModuleId?.endsWith("/src/map/start.ts"));
        const names = start ? [start.fileName, ...start.imports] : [];
        const missing = names.filter((name) => !html.includes(name));
        return missing.map((name) => ({
          tag: "link",
          attrs: { rel: "modulepreload", crossorigin: true, href: `./${name}` },
          injectTo: "head" as const,
        }));
      },
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [preloadMap()],
  build: { target: "es2022", chunkSizeWarningLimit: 1500, manifest: true },
  worker: { format: "es" },
  // the test of contrast reads the style sheets
  test: { css: { include: [/tokens\.css/, /frame\.css/] } },
  // maps/glossary.json is shared with the reports
  server: { proxy: { "/v1": service, "/collections": service }, fs: { allow: [".."] } },
});
