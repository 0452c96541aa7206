// Looks at every page and state in each form asked for: a picture, what the console said, whether it is blank, and (with `axe`) what axe-core
// finds. With `turns` the first state of each page is looked at, and they take turns at the forms. `plant` makes the judge's own faults: "blank" empties pages, "unlabelled" takes labels away, "console" complains.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AXE, open, settled, visit } from "./lib.mjs";
import { STATES } from "./states.mjs";
import { talkScene } from "./talk_scene.mjs";

const SERIOUS = new Set(["serious", "critical"]);

function addressOf(state, job) {
  if (state.path === "LINK") return job.link;
  if (state.path === "CALL") return `${job.url}/use/calls/${job.call}`;
  if (state.path.startsWith("TALK:")) return `${job.url}/talk/${job.talk[state.path.slice(5)]}`;
  if (state.path === "SHARED") return job.talk.link;
  return job.url + state.path;
}

const FAULTS = {
  blank: () => document.querySelector("#app")?.replaceChildren(),
  unlabelled: () => {
    const unnamed = document.createElement("button");
    document.querySelector("main")?.append(unnamed, document.createElement("input"));
  },
  console: () => console.error("a planted complaint"),
};

async function seriousOn(page, source) {
  await page.evaluate(source);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.filter((one) => SERIOUS.has(one.impact)).map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`);
}

/** Whether nothing is to be read on it, or it is wider than its window. */
async function faceOf(page) {
  return page.evaluate(() => ({
    letters: (document.querySelector("#app")?.textContent ?? "").replace(/\s/g, "").length,
    wide: document.documentElement.scrollWidth > innerWidth + 1,
  }));
}

async function lookAt(context, state, job, form, source) {
  const page = await context.newPage();
  const out = { serious: [], blank: false, wide: false };
  await open(page, addressOf(state, job));
  if (state.act) await state.act(page, { ...form, job });
  await settled(page);
  if (job.plant) await page.evaluate(FAULTS[job.plant]);
  const face = await faceOf(page);
  out.blank = face.letters < 20;
  out.wide = face.wide;
  if (job.axe) out.serious = await seriousOn(page, source);
  if (job.pictures) {
    const dialog = await page.locator("[role=dialog]").count();
    await page.screenshot({ path: join(job.pictures, `${state.name}-${form.theme}-${form.width}-${form.language}.png`), fullPage: dialog === 0 });
  }
  await page.close();
  return out;
}

async function withOwner(browser, job, act) {
  const context = await visit(browser, { state: job.sessions.owner });
  try {
    return await act(context, job);
  } finally {
    await context.close();
  }
}

export async function run(browser, job) {
  const source = job.axe ? await readFile(AXE, "utf8") : "";
  if (job.pictures) await mkdir(job.pictures, { recursive: true });
  const wanted = STATES.filter((state) => !job.only || job.only.includes(state.name));
  const states = job.turns ? wanted.filter((state, index) => wanted.findIndex((one) => one.route === state.route) === index) : wanted;
  if (states.some((state) => /^(TALK:|SHARED)/.test(state.path))) job = { ...job, talk: await withOwner(browser, job, talkScene) };
  const answer = { looked: 0, routes: [...new Set(states.map((state) => state.route))], serious: [], blank: [], wide: [], console_errors: [] };
  for (const [turn, form] of job.forms.entries()) {
    const contexts = new Map();
    for (const state of job.turns ? states.filter((_, index) => index % job.forms.length === turn) : states) {
      const who = state.who ?? "owner";
      if (!contexts.has(who)) {
        const heard = [];
        contexts.set(who, { heard, context: await visit(browser, { ...form, state: job.sessions[who], errors: heard }) });
      }
      const { heard, context } = contexts.get(who);
      heard.length = 0;
      const name = `${state.name} (${form.theme} ${form.width} ${form.language})`;
      try {
        const found = await lookAt(context, state, job, form, source);
        answer.looked += 1;
        answer.serious.push(...found.serious.map((one) => `${name}: ${one}`));
        if (found.blank) answer.blank.push(name);
        if (found.wide) answer.wide.push(name);
      } catch (error) {
        answer.blank.push(`${name}: ${String(error).slice(0, 300)}`);
      }
      // A refusal or a lost line that a state is made of is told by the console too, as its network line.
      answer.console_errors.push(...heard.filter((one) => !(state.errors && /status of 4\d\d|ERR_INTERNET_DISCONNECTED/.test(one))).map((one) => `${name}: ${one}`));
    }
    for (const { context } of contexts.values()) await context.close();
  }
  return answer;
}
