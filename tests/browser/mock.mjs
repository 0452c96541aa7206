// A server for looking at Talk while the page is worked on: it speaks the conversation API out of memory, under the same content security
// policy as the real one, and answers with a text that is written letter by letter. Nothing is tested against it; tests meet the real server.
//   node tests/browser/mock.mjs DIST [PORT]      (DIST: the folder that Vite built)
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { Life } from "./mock_life.mjs";

const DIST = process.argv[2];
const PORT = Number(process.argv[3] ?? 7171);
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };

const lines = new Set();
const say = (event, data, id) => {
  for (const line of lines) line.write(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
};
const life = new Life(say);

const me = { id: "usr_01JD0000000000000000000000", name: "Anna Verhoeven", email: "anna@example.org", role: "owner", disabled: false, time_zone: null, teams: [], status: "active", last_seen_at: null };
const FIXED = {
  "/v1/session": { object: "session", signed_in: true, id: "ses_1", csrf_token: "t", expires_at: "2027-01-01T00:00:00Z", idle_expires_at: "2027-01-01T00:00:00Z", person: me },
  "/v1/models": { object: "list", data: ["fast", "deep", "smollm2-135m", "anthropic/claude-sonnet-4-6", "qwen3-30b"].map((id) => ({ id, object: "model", owned_by: "steward", kind: "chat", ready: true })) },
  "/admin/v1/budgets": { object: "list", data: [], next_cursor: null },
  "/admin/v1/people": { object: "list", data: [me, { ...me, id: "usr_01JD0000000000000000000001", name: "Joris" }], next_cursor: null },
};

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function answer(response, status, body) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

async function file(response, path) {
  const bytes = await readFile(join(DIST, normalize(path))).catch(() => undefined);
  const page = bytes ?? (await readFile(join(DIST, "index.html")));
  response.writeHead(200, { "content-type": bytes ? (TYPES[extname(path)] ?? "application/octet-stream") : TYPES[".html"], "content-security-policy": POLICY, "x-content-type-options": "nosniff" });
  response.end(page);
}

createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const path = decodeURIComponent(url.pathname);
  if (!/^\/(v1|admin)\//.test(path)) return file(response, path === "/" ? "/index.html" : path);
  if (path === "/v1/events") {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("event: hello\ndata: {}\n\n");
    lines.add(response);
    request.on("close", () => lines.delete(response));
    return;
  }
  if (FIXED[path]) return answer(response, 200, FIXED[path]);
  if (/\/export$/.test(path)) {
    const [name, text] = life.exported(path.split("/")[3], url.searchParams.get("format"));
    response.writeHead(200, { "content-type": "application/octet-stream", "content-disposition": `attachment; filename="${name}"` });
    return response.end(text);
  }
  const raw = await bodyOf(request);
  const json = /json/.test(request.headers["content-type"] ?? "") && raw.length ? JSON.parse(raw.toString()) : {};
  try {
    const { status = 200, body } = life.handle(request.method, path, url.searchParams, json, { raw, headers: request.headers });
    answer(response, status, body);
  } catch (error) {
    answer(response, error.status ?? 500, { error: { code: error.code ?? "internal", message: error.message } });
  }
}).listen(PORT, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${PORT}\n`));
