import { defineConfig } from "vite";

const api = process.env["WANGGE_API"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  build: { target: "es2022", chunkSizeWarningLimit: 1500 },
  worker: { format: "es" },
  server: { proxy: { "/v1": api, "/collections": api } },
});
