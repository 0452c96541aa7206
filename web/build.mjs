// Builds the web app into one file, OUT/web.pack, which the binary carries (src/server/web_app.h says its form):
// the types of the API client are made from openapi.json, Vite makes the files, and each is compressed where that gains something.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import openapiTS, { astToString } from "openapi-typescript";
import { build } from "vite";

const HERE = dirname(fileURLToPath(import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".json": "application/json",
};
const COMPRESSED = new Set([".html", ".js", ".css", ".svg", ".json"]);

export async function makeClientTypes() {
  const document = JSON.parse(await readFile(join(HERE, "openapi.json"), "utf8"));
  const made = astToString(await openapiTS(document, { silent: true, defaultNonNullable: false }));
  const target = join(HERE, "src/api/schema.d.ts");
  const before = await readFile(target, "utf8").catch(() => "");
  if (before !== made) await writeFile(target, made);
}

async function filesUnder(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name)).sort();
}

function forms(bytes, extension) {
  if (!COMPRESSED.has(extension)) return {};
  const br = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
  const gzip = gzipSync(bytes, { level: 9 });
  return { ...(br.length < bytes.length ? { br } : {}), ...(gzip.length < bytes.length ? { gzip } : {}) };
}

async function pack(folder, target) {
  const table = {};
  const blobs = [];
  let at = 0;
  const place = (bytes) => {
    blobs.push(bytes);
    const found = [at, bytes.length];
    at += bytes.length;
    return found;
  };
  for (const file of await filesUnder(folder)) {
    const bytes = await readFile(file);
    const extension = extname(file);
    if (!TYPES[extension]) throw new Error(`${file}: no media type is known for it`);
    const { br, gzip } = forms(bytes, extension);
    table[`/${relative(folder, file)}`] = {
      type: TYPES[extension],
      etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
      plain: place(bytes),
      ...(br ? { br: place(br) } : {}),
      ...(gzip ? { gzip: place(gzip) } : {}),
    };
  }
  const head = Buffer.from(JSON.stringify(table));
  await writeFile(target, Buffer.concat([Buffer.from(`STWEB1\n${String(head.length).padStart(10, "0")}\n`), head, ...blobs]));
}

const out = process.argv[2];
if (!out) throw new Error("build.mjs OUT: the folder to build into is missing");
await makeClientTypes();
if (process.argv[3] !== "--types") {
  await mkdir(out, { recursive: true });
  await rm(join(out, "dist"), { recursive: true, force: true });
  await build({ root: HERE, logLevel: "warn", build: { outDir: join(out, "dist"), emptyOutDir: true } });
  await pack(join(out, "dist"), join(out, "web.pack"));
}
