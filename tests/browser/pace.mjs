// How Talk feels with 5,000 messages: what opening it takes, when the first token of an answer is seen, frames while one scrolls, types and
// is answered at 200 tokens a second, and what the tab holds before and after. Times are taken in the page, at the frame that shows what
// they are about; those that are compared with another process's are wall-clock milliseconds.
import { readFileSync } from "node:fs";
import { assert, settled, visit } from "./lib.mjs";
import { choose, say } from "./talk.mjs";

const LONGEST_ANSWER_MS = 180_000;
const CHARACTERS = "Wood that is planed along the grain shines, and brass that is brushed does not. ";

/** Runs in each page before anything of it does. */
function probes() {
  const wall = () => performance.timeOrigin + performance.now();
  // After the frame that is being made has been drawn.
  const shown = (then) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => then(performance.now());
      port2.postMessage(0);
    });
  const probe = { gaps: [], keys: [], seen: [], first: undefined, loaded: undefined };
  globalThis.probe = probe;
  let counting = false;
  let last = 0;
  const frame = (now) => {
    if (!counting) return;
    if (last) probe.gaps.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  probe.count = (on) => {
    counting = on;
    last = 0;
    if (on) {
      probe.gaps = [];
      requestAnimationFrame(frame);
    }
    return probe.gaps;
  };
  // The page can be written in and shows the end of the conversation.
  probe.untilLoaded = (selector, words) => {
    const look = () => {
      const place = document.querySelector(".compose textarea");
      const there = words === "" || [...document.querySelectorAll(selector)].some((one) => one.textContent.includes(words));
      if (place && !place.disabled && there) shown((at) => (probe.loaded = at));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  };
  probe.untilShown = (words) => {
    probe.first = undefined;
    const watcher = new MutationObserver(() => {
      const answers = document.querySelectorAll(".msg.it");
      if (!answers[answers.length - 1]?.textContent.includes(words)) return;
      watcher.disconnect();
      shown((at) => (probe.first = performance.timeOrigin + at));
    });
    watcher.observe(document.body, { subtree: true, childList: true, characterData: true });
  };
  probe.watchKeys = (on) => {
    if (on) {
      probe.keys = [];
      probe.onKey = (event) => shown((at) => probe.keys.push(at - event.timeStamp));
      addEventListener("keydown", probe.onKey, true);
    } else removeEventListener("keydown", probe.onKey, true);
    return probe.keys;
  };
  // The number of the last token that each frame shows ("n17"), and when it was shown.
  probe.watchTokens = (on) => {
    probe.watching = on;
    if (!on) return probe.seen;
    probe.seen = [];
    let had = "";
    const look = () => {
      if (!probe.watching) return;
      const answers = document.querySelectorAll(".msg.it .md");
      const found = answers[answers.length - 1]?.lastElementChild?.textContent.match(/n\d+(?!.*n\d)/s)?.[0] ?? had;
      if (found !== had) {
        had = found;
        shown((at) => probe.seen.push([Number(found.slice(1)), performance.timeOrigin + at]));
      }
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  };
  probe.wall = wall;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function frames(page, act) {
  await page.evaluate(() => void probe.count(true));
  const more = await act();
  return { gaps: await page.evaluate(() => probe.count(false)), ...more };
}

async function load(browser, job, path, words) {
  const context = await visit(browser, { state: job.state });
  const page = await context.newPage();
  await page.addInitScript(probes);
  await page.addInitScript((wanted) => globalThis.probe.untilLoaded(".msg", wanted), words);
  await page.goto(`${job.url}${path}`, { waitUntil: "commit" });
  await page.waitForFunction(() => probe.loaded > 0);
  const ms = await page.evaluate(() => probe.loaded);
  const told = await page.evaluate(() => performance.getEntriesByType("resource").filter((one) => one.name.includes("/v1/")).map((one) => one.encodedBodySize));
  await context.close();
  return { ms, requests: told.length, bytes: told.reduce((sum, one) => sum + one, 0) };
}

/** All that was said is in the page, as if somebody had gone up to the first message. */
async function bringAllIn(page, first) {
  const box = page.locator(".scroll");
  for (let rounds = 0; rounds < 3000; rounds += 1) {
    const there = await box.evaluate((found, words) => {
      found.scrollTop = 0;
      return !found.querySelector(".fold") && [...found.querySelectorAll(".msg")].some((one) => one.textContent.includes(words));
    }, first);
    if (there) return;
    await pause(20);
  }
  throw new Error("the first message did not come");
}

async function scroll(page, ms) {
  const line = await page.context().newCDPSession(page);
  const box = page.locator(".scroll");
  await box.evaluate((found) => {
    found.scrollTop = found.scrollHeight / 2;
    globalThis.probe.moved = 0;
    let top = found.scrollTop;
    found.addEventListener("scroll", () => {
      globalThis.probe.moved += Math.abs(found.scrollTop - top);
      top = found.scrollTop;
    });
  });
  await pause(500);
  const found = await frames(page, async () => {
    const end = Date.now() + ms;
    let way = 1;
    while (Date.now() < end) {
      await line.send("Input.synthesizeScrollGesture", { x: 900, y: 400, yDistance: way * 6000, speed: 3000, gestureSourceType: "mouse", preventFling: true });
      way = -way;
    }
    return {};
  });
  await line.detach();
  return { ...found, moved: await page.evaluate(() => probe.moved) };
}

async function type(page, ms) {
  const field = page.getByRole("textbox", { name: "Message", exact: true });
  await field.fill("");
  await field.focus();
  await page.evaluate(() => void probe.watchKeys(true));
  const found = await frames(page, async () => {
    const end = Date.now() + ms;
    for (let at = 0; Date.now() < end; at += 1) {
      await page.keyboard.type(CHARACTERS[at % CHARACTERS.length]);
      await pause(40);
    }
    return {};
  });
  const keys = await page.evaluate(() => probe.watchKeys(false));
  await field.fill("");
  return { ...found, keys };
}

async function firstTokens(page, job) {
  const shown = [];
  for (let time = 0; time < job.firsts; time += 1) {
    await page.evaluate((words) => probe.untilShown(words), `first${time}`);
    await say(page, `the first token, try ${time}`);
    await page.waitForFunction(() => probe.first > 0);
    shown.push(await page.evaluate(() => probe.first));
    await ended(page);
  }
  return shown;
}

const ended = (page) => page.locator(".compose .btn-stop").waitFor({ state: "detached", timeout: LONGEST_ANSWER_MS });

async function stream(page, job) {
  const end = Date.now() + job.stream_ms;
  const gaps = [];
  const answers = [];
  while (Date.now() < end) {
    await page.evaluate(() => void probe.watchTokens(true));
    const found = await frames(page, async () => {
      await say(page, `stream ${answers.length} for ${Math.max(1, Math.round(Math.min(job.answer_ms, end - Date.now()) / 1000))} s`);
      await page.locator(".compose .btn-stop").waitFor();
      await ended(page);
      return {};
    });
    await pause(300); // what a frame shows is told once that frame stands
    gaps.push(...found.gaps);
    answers.push(await page.evaluate(() => probe.watchTokens(false)));
  }
  return { gaps, answers };
}

/** What the tab's process and its heap hold once what nobody needs has been collected. */
async function memory(browser, page) {
  const line = await page.context().newCDPSession(page);
  for (let i = 0; i < 3; i += 1) {
    await line.send("HeapProfiler.collectGarbage");
    await pause(300);
  }
  const { usedSize } = await line.send("Runtime.getHeapUsage");
  await line.send("Performance.enable");
  const { metrics } = await line.send("Performance.getMetrics");
  await line.detach();
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = await whole.send("SystemInfo.getProcessInfo");
  await whole.detach();
  const held = processInfo.filter((one) => one.type === "renderer").map((one) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${one.id}/status`, "utf8"))?.[1] ?? 0) * 1024);
  return { heap: usedSize, process: Math.max(...held), nodes: metrics.find((one) => one.name === "Nodes")?.value ?? 0 };
}

export async function run(browser, job) {
  const out = { home: [], opened: [] };
  for (let time = 0; time < job.loads; time += 1) {
    out.home.push(await load(browser, job, "/talk", ""));
    out.opened.push(await load(browser, job, `/talk/${job.conversation}`, job.last));
  }
  const errors = [];
  const context = await visit(browser, { state: job.state, errors });
  const page = await context.newPage();
  await page.addInitScript(probes);
  await page.goto("about:blank");
  out.idle = await frames(page, () => pause(job.look_ms).then(() => ({})));
  await page.goto(`${job.url}/talk/${job.conversation}`);
  await settled(page);
  await choose(page, job.model);
  await bringAllIn(page, job.first);
  out.standing = await frames(page, () => pause(job.look_ms).then(() => ({})));
  out.scrolling = await scroll(page, job.look_ms);
  assert(out.scrolling.moved > job.look_ms, `it moved by ${out.scrolling.moved} px while it was scrolled`);
  out.typing = await type(page, job.look_ms);
  await page.locator(".scroll").evaluate((found) => (found.scrollTop = found.scrollHeight));
  out.firsts = await firstTokens(page, job);
  out.before = await memory(browser, page);
  out.streaming = await stream(page, job);
  out.after = await memory(browser, page);
  await context.close();
  return { ...out, errors };
}
