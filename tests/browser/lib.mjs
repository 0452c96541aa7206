// What every browser task shares: Debian's Chromium, pages that remember what went wrong on them, and signing in.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright");
export const AXE = require.resolve("axe-core/axe.min.js");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
const LONGEST_MS = 15_000;

export function launch() {
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
}

/** A browser of its own: theme "light" or "dark", width in pixels, language "en" or "zh". `errors` gathers what the console and pages complain of. */
export async function visit(browser, { theme = "light", width = 1440, language = "en", state, errors = [] } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: width < 860 ? 844 : 900 },
    colorScheme: theme,
    locale: language === "zh" ? "zh-CN" : "en-GB",
    timezoneId: "Europe/Brussels",
    hasTouch: width < 860,
    permissions: ["clipboard-read", "clipboard-write"],
    ...(state ? { storageState: state } : {}),
  });
  context.setDefaultTimeout(LONGEST_MS);
  context.on("console", (message) => {
    if (message.type() === "error") errors.push(`${message.page()?.url() ?? "?"}: ${message.text()}`);
  });
  context.on("weberror", (error) => errors.push(String(error.error())));
  return context;
}

/** Opens an address and waits until nothing on it is still loading. */
export async function open(page, address) {
  await page.goto(address);
  await settled(page);
}

export async function settled(page) {
  await page.waitForFunction(() => document.querySelector("#app main, #app .sheet") && !document.querySelector("[aria-busy=true]"));
  await page.evaluate(() => document.fonts.ready);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

export async function signIn(page, url, name, password) {
  await page.goto(`${url}/use`);
  await page.getByLabel("Name or e-mail address").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Use" }).waitFor();
}

export function assert(holds, what) {
  if (!holds) throw new Error(what);
}

export function equal(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  assert(a === b, `${what}: ${a} where ${b} was expected`);
}
