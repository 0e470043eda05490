import { defineConfig } from "vite";

/** `npm run dev` serves the sources and hands these paths on to a running `wangge serve`. */
const service = "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  build: { target: "es2022", chunkSizeWarningLimit: 1500 },
  worker: { format: "es" },
  // maps/glossary.json is shared with the reports
  server: { proxy: { "/v1": service, "/collections": service }, fs: { allow: [".."] } },
});
