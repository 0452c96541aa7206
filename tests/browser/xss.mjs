// Texts that mean harm, shown wherever a text is shown: said and answered (`echo` answers with what it is told), as title, folder and file
// name. What counts: each was readable on the page, none ran, none asked another host for anything, none leads anywhere but to http, https
// or mailto. The control, a page that takes a text for markup, must fire.
import { open, settled, visit } from "./lib.mjs";
import { asOwner, modelNamed, saidAndAnswered } from "./talk_scene.mjs";
import { FIRED, LISTEN, NAMES, PAYLOADS, PLANT } from "./xss_payloads.mjs";

const MOMENT_MS = 400; // for what would run after it is there

/** What is wrong with the page as it stands. */
async function wrongOn(page, url) {
  return page.evaluate((origin) => {
    const out = [];
    for (const one of document.querySelectorAll("main a[href], main area[href], main form[action]")) {
      const address = one.href ?? one.action;
      if (!/^(https?:|mailto:)/.test(address)) out.push(`leads to ${String(address).slice(0, 60)}`);
      if (one.origin !== origin && !/noopener/.test(one.rel)) out.push(`gives its window away: ${String(address).slice(0, 60)}`);
    }
    for (const one of document.querySelectorAll("script:not([src]), iframe, object, embed, base, meta[http-equiv], main style, main form[action^=http]")) out.push(`has a ${one.tagName}`);
    for (const one of document.querySelectorAll("main *")) for (const { name } of one.attributes) if (/^on/i.test(name)) out.push(`has ${name}`);
    return out;
  }, new URL(url).origin);
}

async function seen(page, mark) {
  return page.evaluate((word) => (document.querySelector(".msg.it")?.textContent ?? "").includes(word), mark);
}

export async function run(browser, job) {
  const errors = [];
  const context = await visit(browser, { state: job.sessions.owner, errors });
  await context.addInitScript(LISTEN);
  const answer = { payloads: PAYLOADS.length + NAMES.length, rendered: 0, executed: [], wrong: [], foreign: [], planted: [] };
  context.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (/^http/.test(protocol) && origin !== new URL(job.url).origin) answer.foreign.push(request.url().slice(0, 100));
  });
  const call = await asOwner(context, job.url);
  const model = await modelNamed(call, job.models.echo);
  const page = await context.newPage();
  page.on("dialog", (dialog) => {
    answer.executed.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  for (const one of PAYLOADS) {
    const { id } = await call("POST", "/v1/conversations", { title: one.text.slice(0, 150), folder: one.text.slice(0, 20) });
    await saidAndAnswered(call, id, { text: one.text, model });
    await open(page, `${job.url}/talk/${id}`);
    await page.locator(".msg.it .md").waitFor();
    await page.waitForTimeout(MOMENT_MS);
    await settled(page);
    if (await seen(page, one.mark)) answer.rendered += 1;
    answer.executed.push(...(await page.evaluate(FIRED)).map((what) => `${one.name}: ${what}`));
    answer.wrong.push(...(await wrongOn(page, job.url)).map((what) => `${one.name}: ${what}`));
  }
  answer.rendered += await names(page, job, answer);
  await context.close();
  answer.planted = await planted(browser, job);
  return answer;
}

/** The control: texts taken for markup, where the policy doesn't stand in the way. */
async function planted(browser, job) {
  const context = await browser.newContext({ bypassCSP: true });
  await context.addInitScript(LISTEN);
  const page = await context.newPage();
  await page.goto(job.url);
  for (const one of PAYLOADS.slice(0, 5)) await page.evaluate(PLANT, one.text);
  await page.waitForTimeout(MOMENT_MS);
  const fired = await page.evaluate(FIRED);
  await context.close();
  return fired;
}

/** Files whose names mean harm: attached, and seen by their names. */
async function names(page, job, answer) {
  let count = 0;
  await open(page, `${job.url}/talk`);
  for (const name of NAMES) {
    const safe = name.replace(/[\u0000/\\]/g, "_");
    await page.locator(".compose input[type=file]").setInputFiles({ name: safe, mimeType: "text/plain", buffer: Buffer.from("x") });
    const shown = page.locator(".compose .file bdi").last();
    await shown.waitFor();
    await page.locator(".compose progress").waitFor({ state: "detached" });
    if ((await shown.textContent()).length > 0) count += 1;
    answer.executed.push(...(await page.evaluate(FIRED)).map((what) => `${safe}: ${what}`));
    await page.locator(".compose .file").last().getByRole("button").click();
  }
  return count;
}
