import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** KaTeX's sheet names each of its fonts in three forms; every browser that runs this app takes the first. */
const oneFormOfFonts = {
  name: "one-form-of-fonts",
  enforce: "pre" as const,
  transform(text: string, id: string) {
    if (!/katex(\.min)?\.css/.test(id)) return undefined;
    return { code: text.replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\(["'](?:woff|truetype)["']\)/g, ""), map: null };
  },
};

export default defineConfig({
  plugins: [react(), tailwindcss(), oneFormOfFonts],
  cacheDir: "../build/web-cache",
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // nothing inline: the policy allows files only
    cssCodeSplit: true,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1800, // the layout of diagrams, fetched when one appears
  },
  worker: { format: "es" },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "node" },
});
