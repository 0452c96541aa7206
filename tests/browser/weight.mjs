// What the first page takes until it can be worked with: which scripts it asks for, and the time from the navigation to a page that can
// be written on and is ready to send; then all that it asks for until it is idle.
import { settled, visit } from "./lib.mjs";

const QUIET_MS = 1000;

/** Until nothing more is asked for; the event line stays open for ever, so the network itself is never idle. */
async function quiet(page) {
  let last = performance.now();
  const note = () => (last = performance.now());
  page.on("request", note);
  while (performance.now() - last < QUIET_MS) await page.waitForTimeout(100);
  page.off("request", note);
}

/** Runs in the page, so that no tool's round trip is counted: once there is a field, something is written a frame, until it can be sent. */
function writeUntilAnswered(field) {
  const write = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
  let tries = 0;
  const look = () => {
    if (document.querySelector(".compose .btn-fill:not([disabled])")) {
      globalThis.answeredAt = performance.now();
      return;
    }
    const place = document.querySelector(field);
    if (place) {
      write.call(place, `Which wood? ${(tries += 1)}`);
      place.dispatchEvent(new Event("input", { bubbles: true }));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

async function once(browser, job) {
  const context = await visit(browser, { state: job.sessions.owner });
  const page = await context.newPage();
  const scripts = [];
  const foreign = [];
  page.on("request", (request) => {
    const { origin, pathname } = new URL(request.url());
    if (request.resourceType() === "script") scripts.push(pathname);
    if (origin !== job.url) foreign.push(request.url());
  });
  await page.addInitScript(writeUntilAnswered, job.until);
  await page.goto(`${job.url}${job.path}`, { waitUntil: "commit" });
  await page.waitForFunction(() => globalThis.answeredAt > 0);
  const interactive = await page.evaluate(() => globalThis.answeredAt);
  const first = [...scripts];
  await settled(page);
  await quiet(page);
  const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  await context.close();
  return { interactive_ms: Math.round(interactive), painted_ms: Math.round(painted), first, all: scripts, foreign };
}

export async function run(browser, job) {
  const tries = [];
  for (let i = 0; i < job.tries; i += 1) tries.push(await once(browser, job));
  return { tries };
}
