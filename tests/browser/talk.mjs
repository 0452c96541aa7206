// What people do in Talk, each journey by itself. `job.models` names who answers: `plain` briefly, `rich` with what was said, `slow`
// word by word, so that one can stop it. They run after those of journeys.mjs, with the owner whom those let in.
import { assert, equal, open, settled } from "./lib.mjs";
import { asOwner, until } from "./talk_scene.mjs";
import { RICH } from "./talk_texts.mjs";

export async function choose(page, model) {
  const select = page.locator(".compose select:visible");
  const only = page.locator(".compose .only-one");
  await select.or(only).first().waitFor();
  if (await only.count()) return assert((await only.innerText()).endsWith(model), `another model than ${model} is all there is`);
  const value = await select.evaluate((found, name) => [...found.options].find((one) => one.value.endsWith(name))?.value, model);
  assert(value, `no model is called ${model}`);
  await select.selectOption(value);
}

/** Says something in a conversation of its own and waits for the answer's figures. Its address is the answer. */
export async function talkAbout(page, job, words, model = job.models.plain) {
  await open(page, `${job.url}/talk`);
  await choose(page, model);
  await say(page, words);
  await page.waitForURL(/\/talk\/conv_/);
  if (model !== job.models.slow) await page.locator(".msg.it .foot").first().waitFor();
  return page.url();
}

export async function say(page, words) {
  await page.getByRole("textbox", { name: "Message", exact: true }).fill(words);
  await page.keyboard.press("Control+Enter");
}

const own = (page, words) => page.locator(".msg.you").filter({ hasText: words });
const answers = (page) => page.locator(".msg.it");
const row = (page, title) => page.locator(".list .rows a").filter({ hasText: title });
const about = (page) => page.locator(".conv-h").getByRole("button", { name: "About" }).click();
const dialogless = (page) => page.keyboard.press("Escape");

/** `ofOwner(act)` opens a page of the owner; `withPage(form, act)` one of somebody else. */
export function talkJourneys({ ofOwner, withPage }) {
  return {
    "talk: said, answered, named, there after a reload": async (world, job) =>
      ofOwner(world, async (page) => {
        await open(page, `${job.url}/`);
        await page.waitForURL(/\/talk/);
        await talkAbout(page, job, "Which wood for the lamp, and which metal?");
        const foot = await page.locator(".msg.it .foot").first().textContent();
        assert(/tokens/.test(foot) && /\$/.test(foot), `the answer's figures are missing: ${foot}`);
        await row(page, "Which wood").first().waitFor();
        const told = await answers(page).first().locator(".md").textContent();
        await page.reload();
        await settled(page);
        await own(page, "Which wood for the lamp").waitFor();
        equal(await answers(page).first().locator(".md").textContent(), told, "the answer after a reload");
      }),

    "talk: an input method's Enter does not send": async (world, job) =>
      ofOwner(world, async (page) => {
        await open(page, `${job.url}/talk`);
        const field = page.getByRole("textbox", { name: "Message", exact: true });
        await field.fill("灯");
        const went = await field.evaluate((found) => found.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true })));
        assert(went, "the Enter that chooses a word was taken");
        equal(await field.inputValue(), "灯", "what is typed");
        await page.keyboard.press("Shift+Enter");
        equal(await field.inputValue(), "灯\n", "Shift Enter begins a line");
        await field.fill("");
      }),

    "talk: what is typed stays, through a visit elsewhere and a reload": async (world, job) =>
      ofOwner(world, async (page) => {
        await open(page, `${job.url}/talk`);
        const field = page.getByRole("textbox", { name: "Message", exact: true });
        await field.fill("half a sentence about brass");
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Use" }).click();
        await page.waitForURL(/\/use/);
        await page.goBack();
        await field.waitFor();
        equal(await field.inputValue(), "half a sentence about brass", "after a visit to Use");
        await page.reload();
        await settled(page);
        equal(await field.inputValue(), "half a sentence about brass", "after a reload");
        await field.fill("");
      }),

    "talk: without a line it waits, and is said once": async (world, job) =>
      ofOwner(world, async (page, context) => {
        await talkAbout(page, job, "Before the line was lost");
        await context.setOffline(true);
        await say(page, "Typed without a line");
        await page.getByText("kept here, sent when the server is back").waitFor();
        await context.setOffline(false);
        await page.locator(".msg.unsent").waitFor({ state: "detached", timeout: 40_000 });
        await page.reload();
        await settled(page);
        equal(await own(page, "Typed without a line").count(), 1, "how often it was said");
      }),

    "talk: edited, its versions, its branches": async (world, job) =>
      ofOwner(world, async (page) => {
        await talkAbout(page, job, "A lamp of oak");
        const mine = own(page, "A lamp of oak");
        await mine.hover();
        await mine.getByRole("button", { name: "Edit" }).click();
        await page.getByRole("textbox", { name: "What you said, to change" }).fill("A lamp of ash");
        await page.keyboard.press("Control+Enter");
        await own(page, "A lamp of ash").waitFor();
        await page.locator(".branch").filter({ hasText: "2 of 2" }).first().waitFor();
        await page.locator(".msg.it .foot").first().waitFor();
        await page.locator(".scroll").focus();
        await page.keyboard.press("Alt+ArrowLeft");
        await own(page, "A lamp of oak").waitFor();
        await page.locator(".branch").filter({ hasText: "1 of 2" }).first().waitFor();
        await page.locator(".scroll").focus();
        await page.keyboard.press("b");
        const tree = page.locator(".tree");
        await tree.getByText("A lamp of ash").waitFor();
        await tree.getByRole("button").filter({ hasText: "A lamp of ash" }).click();
        await own(page, "A lamp of ash").waitFor();
        await dialogless(page);
      }),

    "talk: asked again, of another model": async (world, job) =>
      ofOwner(world, async (page) => {
        await talkAbout(page, job, "Which oil for oak?");
        await answers(page).first().hover();
        await page.getByRole("button", { name: "Again with …" }).click();
        const sheet = page.getByRole("dialog");
        const value = await sheet.getByLabel("Answered by").evaluate((found, name) => [...found.options].find((one) => one.value.endsWith(name))?.value, job.models.rich);
        await sheet.getByLabel("Answered by").selectOption(value);
        await sheet.getByRole("button", { name: "Ask it" }).click();
        await page.locator(".msg.it .branch").filter({ hasText: "2 of 2" }).waitFor();
        await page.locator(".msg.it .foot").filter({ hasText: job.models.rich }).waitFor();
      }),

    "talk: whose model is gone is told so, answered by another, and both are compared": async (world, job) =>
      ofOwner(world, async (page, context) => {
        const call = await asOwner(context, job.url);
        await call("POST", "/admin/v1/providers", { name: "passing", base_url: job.provider, key: "sk-of-this-test" });
        await call("POST", "/admin/v1/prices", { provider: "passing", model: job.models.slow, input_usd_per_million: "0.15", output_usd_per_million: "0.6" });
        const { id } = await call("POST", "/v1/conversations", { title: "Whose model goes" });
        const { answer } = await call("POST", `/v1/conversations/${id}/messages`, { text: "Write slowly", model: `passing/${job.models.slow}` });
        const now = async () => (await call("GET", `/v1/conversations/${id}/messages`)).data.at(-1);
        await until(async () => (await now()).text.length > 20);
        await call("POST", `/v1/conversations/${id}/messages/${answer.id}/stop`, {});
        await call("DELETE", "/admin/v1/providers/passing");

        await open(page, `${job.url}/talk/${id}`);
        await answers(page).first().hover();
        await page.getByRole("button", { name: "Go on", exact: true }).click();
        const told = page.locator(".msg.it .gone");
        await told.getByText(`The model “passing/${job.models.slow}” is not here any more.`).waitFor();
        const kept = await now();
        assert(kept.status === "stopped" && kept.text.startsWith("word0"), `what it wrote is ${kept.status}: ${kept.text.slice(0, 40)}`);
        await told.getByRole("button", { name: "Again with …" }).click();
        const sheet = page.getByRole("dialog");
        const value = await sheet.getByLabel("Answered by").evaluate((found, name) => [...found.options].find((one) => one.value.endsWith(name))?.value, job.models.plain);
        await sheet.getByLabel("Answered by").selectOption(value);
        await page.getByRole("button", { name: "Ask it" }).click();
        await page.locator(".msg.it .branch").filter({ hasText: "2 of 2" }).waitFor();
        await page.locator(".msg.it .foot").filter({ hasText: job.models.plain }).waitFor();

        await page.getByRole("button", { name: "Compare", exact: true }).click();
        const sides = page.locator(".compare > section");
        await sides.nth(0).getByText("word0").waitFor();
        await sides.nth(1).getByText("Oak, then brass.").waitFor();
        await sides.nth(1).getByRole("button", { name: "Stay with this one" }).waitFor();
        await sides.nth(0).getByRole("button", { name: "Go on from this one" }).click();
        await page.locator(".msg.it .branch").filter({ hasText: "1 of 2" }).waitFor();
      }),

    "talk: markdown of every kind, code taken along by a key": async (world, job) =>
      ofOwner(world, async (page) => {
        await talkAbout(page, job, RICH, job.models.rich);
        const told = answers(page).first();
        await told.locator(".katex").first().waitFor();
        await told.locator("table.tbl td").first().waitFor();
        await told.locator(".diagram svg").first().waitFor();
        await told.locator("pre [class^=hljs]").first().waitFor();
        await told.getByRole("button", { name: "Note 1", exact: true }).click();
        const note = told.locator(".notes li").filter({ hasText: "no nuts near the cooker" });
        equal(await note.evaluate((found) => document.activeElement === found), true, "whether the note has the focus");
        await note.getByRole("button", { name: "Back to note 1" }).click();
        equal(await told.locator("[data-ref]").evaluate((found) => document.activeElement === found), true, "whether its mark has it again");
        const code = await told.locator("[data-code] pre code").first().textContent();
        await told.locator("[data-code] pre").first().focus();
        await page.keyboard.press("c");
        await told.getByRole("button", { name: /Copied/ }).first().waitFor();
        equal(await page.evaluate(() => navigator.clipboard.readText()), code, "what was copied");
      }),

    "talk: stopped, gone on with, said more while it writes": async (world, job) =>
      ofOwner(world, async (page) => {
        await talkAbout(page, job, "Write slowly", job.models.slow);
        await page.locator(".msg.it .md").first().waitFor();
        await say(page, "And then?");
        await own(page, "And then?").getByText("waits for the answer before it").waitFor();
        await own(page, "And then?").getByRole("button", { name: "Take it back" }).click();
        await own(page, "And then?").waitFor({ state: "detached" });
        const field = page.getByRole("textbox", { name: "Message", exact: true });
        await until(async () => (await field.inputValue()) === "And then?"); // once its words are erased
        await field.fill("");
        await page.getByRole("button", { name: /^Stop/ }).click();
        await page.locator(".msg.it .foot").getByText("stopped").waitFor();
        const before = await answers(page).first().locator(".md").textContent();
        await page.getByRole("button", { name: "Go on", exact: true }).click();
        await page.waitForFunction((had) => (document.querySelector(".msg.it .md")?.textContent ?? "").length > had, before.length);
        await page.getByRole("button", { name: /^Stop/ }).click();
        await page.locator(".msg.it .foot").waitFor();
      }),

    "talk: a reload in mid-answer goes on where it was": async (world, job) =>
      ofOwner(world, async (page) => {
        await talkAbout(page, job, "Write slowly, once more", job.models.slow);
        await page.locator(".msg.it .md").first().waitFor();
        const before = await answers(page).first().locator(".md").textContent();
        await page.reload();
        await page.waitForFunction((had) => (document.querySelector(".msg.it .md")?.textContent ?? "").length > had, before.length);
        const after = await answers(page).first().locator(".md").textContent();
        assert(after.startsWith(before.trim().slice(0, 40)), "the answer began anew");
        await page.getByRole("button", { name: /^Stop/ }).click();
        await page.locator(".msg.it .foot").waitFor();
      }),

    "talk: a restarted server in mid-answer goes on where it was": async (world, job) =>
      ofOwner(world, async (page) => {
        await talkAbout(page, job, "Write slowly, through a restart", job.models.slow);
        const shown = answers(page).first().locator(".md");
        await page.waitForFunction(() => (document.querySelector(".msg.it .md")?.textContent ?? "").includes("word9"));
        const before = (await shown.textContent()).trim();
        const first = before.slice(0, before.lastIndexOf(" ")); // its last word may have been half a one
        await page.evaluate((least) => {
          const look = () => {
            const text = document.querySelector(".msg.it .md")?.textContent ?? "";
            if (!text.startsWith(least)) window.jumped = text.slice(0, 200);
            requestAnimationFrame(look);
          };
          look();
        }, first);
        await job.control("stop");
        await page.getByText("No connection to the server.").waitFor();
        await job.control("start");
        await page.getByRole("button", { name: "Try now" }).click({ timeout: 2000 }).catch(() => undefined);
        // The scripted model begins from its first word again: that shows where the second call's text was put.
        await page.waitForFunction((had) => (document.querySelector(".msg.it .md")?.textContent ?? "").slice(had).includes(" word0 word1 word2"), first.length, { timeout: 30_000 });
        equal(await page.evaluate(() => window.jumped), undefined, "what was shown, while it went on");
        const whole = (await shown.textContent()).match(/word\d+/g);
        const again = whole.lastIndexOf("word0");
        assert(again > 0 && whole.slice(0, again).every((word, at) => word === `word${at}`), `the first part is whole: ${whole.slice(0, again + 3)}`);
        await page.getByRole("button", { name: /^Stop/ }).click();
        await page.locator(".msg.it .foot").waitFor();
      }),

    "talk: two windows stay in step": async (world, job) =>
      ofOwner(world, async (page, context) => {
        const address = await talkAbout(page, job, "Said in one window");
        const other = await context.newPage();
        await open(other, address);
        await say(other, "Said in the other");
        await own(page, "Said in the other").waitFor();
        await answers(page).nth(1).locator(".foot").waitFor();
        equal(await answers(page).nth(1).locator(".md").textContent(), await answers(other).nth(1).locator(".md").textContent(), "the answer in both");
        await other.close();
      }),

    "talk: files by pick and drop, with limits, taken back, sent": async (world, job) =>
      ofOwner(world, async (page) => {
        await open(page, `${job.url}/talk`);
        await choose(page, job.models.plain);
        await page.locator(".compose input[type=file]").setInputFiles([
          { name: "<img src=x>.txt", mimeType: "text/plain", buffer: Buffer.from("Oak, 12 boards") },
          { name: "second.txt", mimeType: "text/plain", buffer: Buffer.from("Brass") },
        ]);
        await page.locator(".compose .file").nth(1).waitFor();
        await page.locator(".compose .file").filter({ hasText: "second.txt" }).getByRole("button", { name: "Remove second.txt" }).click();
        const moved = await page.evaluateHandle(() => {
          const data = new DataTransfer();
          data.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
          return data;
        });
        await page.dispatchEvent(".conv", "drop", { dataTransfer: moved });
        await page.locator(".compose .file").filter({ hasText: "dropped.txt" }).waitFor();
        await page.locator(".compose progress").first().waitFor({ state: "detached" });
        await say(page, "What do these say?");
        await own(page, "What do these say?").locator(".file").filter({ hasText: "dropped.txt" }).waitFor();
        equal(await own(page, "What do these say?").locator(".file bdi").allTextContents(), ["<img src=x>.txt", "dropped.txt"], "the files of the message");
      }),

    "talk: search leads to the place": async (world, job) =>
      ofOwner(world, async (page) => {
        const address = await talkAbout(page, job, "A walnut table with turned legs");
        await open(page, `${job.url}/talk`);
        await page.getByRole("searchbox").fill("walnut");
        const hit = page.locator(".found a").filter({ hasText: "walnut" }).filter({ has: page.locator(".snippet mark") });
        await hit.first().click();
        await page.waitForURL((url) => url.href.startsWith(address) && url.searchParams.has("at"));
        await page.locator(".msg.found").waitFor();
        await page.keyboard.press("Control+k");
        await page.locator(".palette input").fill("walnut");
        await page.getByRole("option").filter({ hasText: /walnut/i }).first().waitFor();
        await page.keyboard.press("Escape");
      }),

    "talk: renamed, pinned, in a folder, in a project with instructions, archived": async (world, job) =>
      ofOwner(world, async (page) => {
        await talkAbout(page, job, "To be put in order");
        await about(page);
        const panel = page.locator(".panel");
        await panel.getByLabel("Title").fill("Put in order");
        await panel.getByLabel("Folder").fill("Workshop");
        await panel.getByRole("button", { name: "Keep it" }).click();
        await row(page, "Put in order").first().waitFor();
        await panel.getByRole("button", { name: "Pin it" }).click();
        await panel.getByRole("button", { name: "Unpin it" }).waitFor();
        await page.getByRole("heading", { name: "Pinned" }).waitFor();
        await panel.getByLabel("Project").selectOption({ label: "New project …" });
        await panel.getByLabel("Name").fill("Lamps");
        await panel.getByLabel("Instructions").fill("Answer in one sentence.");
        await panel.getByRole("button", { name: "Make the project" }).click();
        await panel.getByText("Its instructions hold for every answer here.").waitFor();
        const which = page.getByLabel("Which conversations");
        await which.selectOption({ label: "Workshop" });
        await row(page, "Put in order").first().waitFor();
        await which.selectOption({ label: "Lamps" });
        await row(page, "Put in order").first().waitFor();
        await panel.getByRole("button", { name: "Archive it" }).click();
        await panel.getByRole("button", { name: "Take it out of the archive" }).waitFor();
        await which.selectOption({ label: "Archived" });
        await row(page, "Put in order").first().waitFor();
      }),

    "talk: shared by a link, and taken back": async (world, job) =>
      ofOwner(world, async (page) => {
        await talkAbout(page, job, "Something to show");
        await page.locator(".conv-h").getByRole("button", { name: "Share" }).click();
        await page.getByRole("button", { name: "Make a link" }).click();
        const link = await page.locator(".secret code").textContent();
        await withPage(world, {}, async (stranger) => {
          await stranger.goto(link);
          await stranger.getByText("Something to show").first().waitFor();
          equal(await stranger.getByRole("textbox").count(), 0, "places to write for a stranger");
        });
        await page.getByRole("button", { name: "Take it back" }).click();
        await page.getByText("With nobody.").waitFor();
        await withPage(world, {}, async (stranger) => {
          await stranger.goto(link);
          await stranger.getByRole("heading", { name: "Nothing is shared here" }).waitFor();
        });
      }),

    "talk: taken along, deleted, undone, deleted": async (world, job) =>
      ofOwner(world, async (page) => {
        const address = await talkAbout(page, job, "Soon gone");
        await about(page);
        for (const [name, ending] of [["Markdown", ".md"], ["JSON", ".json"], ["HTML", ".html"]]) {
          const saving = page.waitForEvent("download");
          await page.locator(".panel").getByRole("link", { name }).click();
          const saved = await saving;
          assert(saved.suggestedFilename().endsWith(ending), `the file is called ${saved.suggestedFilename()}`);
          const text = (await (await saved.createReadStream()).toArray()).join("");
          assert(text.includes("Soon gone"), `${name} does not hold what was said`);
        }
        await page.getByRole("button", { name: "Delete it" }).click();
        await page.locator(".banner.undo").waitFor();
        await row(page, "Soon gone").waitFor({ state: "detached" });
        await page.locator(".banner.undo").getByRole("button", { name: /^Undo/ }).click();
        await own(page, "Soon gone").waitFor();
        await about(page);
        await page.getByRole("button", { name: "Delete it" }).click();
        await page.locator(".banner.undo").waitFor();
        await page.goto(address);
        await page.getByRole("heading", { name: "There is no such thing for you" }).waitFor();
      }),

    "talk: on the phone": async (world, job) =>
      ofOwner(
        world,
        async (page) => {
          await open(page, `${job.url}/talk`);
          await choose(page, job.models.plain);
          await page.getByRole("textbox", { name: "Message", exact: true }).fill("From the phone");
          await page.keyboard.press("Enter");
          equal(await page.getByRole("textbox", { name: "Message", exact: true }).inputValue(), "From the phone\n", "Enter on a touch screen begins a line");
          await page.getByRole("button", { name: "Send" }).tap();
          await page.locator(".msg.it .foot").first().waitFor();
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert(over <= 1, `the conversation is ${over} px wider than the phone`);
          equal(await page.getByRole("navigation", { name: "Main" }).isVisible(), false, "the rail inside a conversation");
          await page.getByRole("link", { name: "Back" }).tap();
          await row(page, "From the phone").first().waitFor();
        },
        { width: 390 },
      ),
  };
}
