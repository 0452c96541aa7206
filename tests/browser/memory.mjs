// Memory in use, as people meet it in Talk: an answer that was given some, the same without it, a conversation that leaves no trace, and memory
// switched off. They run after those of talk.mjs, with the same owner: what was said there is remembered too.
import { assert, equal, open } from "./lib.mjs";
import { choose, say, talkAbout } from "./talk.mjs";
import { asOwner } from "./talk_scene.mjs";
import { FERRY } from "./talk_texts.mjs";

const chip = (page) => page.locator(".msg.it .foot [data-memory]");
const note = (page) => page.getByRole("region", { name: "What was remembered" });
const switchOff = (page) => page.getByRole("button", { name: "Leave no trace in memory" });

/** The newest answer of a conversation, as the server tells it. */
async function answerOf(call, address) {
  const id = new URL(address).pathname.split("/").at(-1);
  const { data } = await call("GET", `/v1/conversations/${id}/messages`);
  return data.findLast((one) => one.role === "assistant");
}
const toldOf = async (call, answer) => call("GET", `/v1/conversations/${answer.conversation}/messages/${answer.id}/told`);

/** What the foot's words lead to: why there is no memory stands among what is told of the answer. */
async function noMemorySays(page, words) {
  await page.locator(".msg.it").last().hover();
  await page.getByRole("button", { name: "What it was told" }).last().click();
  await page.getByRole("dialog").getByText(words).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

export function memoryJourneys({ ofOwner }) {
  return {
    "memory: an answer that was given some shows it, leads to it, and is asked again without it": async (world, job) =>
      ofOwner(world, async (page, context) => {
        const call = await asOwner(context, job.url);
        const said = await talkAbout(page, job, FERRY);
        const address = await talkAbout(page, job, "When does the ferry to Tinos leave?");
        await chip(page).waitFor();
        const before = await answerOf(call, address);
        const given = before.memory.given.find((one) => said.endsWith(one.conversation));
        assert(given, `what was said of the ferry is not among what was given: ${JSON.stringify(before.memory)}`);

        await page.locator(".conv .scroll").focus();
        await page.keyboard.press("m");
        const piece = note(page).locator("li").filter({ hasText: FERRY });
        await piece.getByText("Found by").waitFor();
        await note(page).getByRole("button", { name: "What the model was told" }).click();
        const told = page.getByRole("dialog");
        await told.locator(".toldlist [data-memory] mark").filter({ hasText: FERRY }).waitFor();
        await told.getByRole("button", { name: "Copy" }).click();
        assert((await page.evaluate(() => navigator.clipboard.readText())).includes(FERRY), "what was copied does not hold what was remembered");
        await page.keyboard.press("Escape");
        await told.waitFor({ state: "detached" });

        equal(await note(page).getByRole("button", { name: "Ask again without these" }).isDisabled(), true, "whether nothing chosen can be left out");
        await piece.getByRole("checkbox").check();
        await note(page).getByRole("button", { name: "Ask again without these" }).click();
        await page.locator(".msg.it .branch").filter({ hasText: "2 of 2" }).waitFor();
        await chip(page).filter({ hasText: "one left out" }).waitFor();
        const after = await answerOf(call, address);
        assert(after.memory.without.includes(given.id), `it was left out: ${JSON.stringify(after.memory)}`);
        assert(!after.memory.given.some((one) => one.messages.some((id) => given.messages.includes(id))), "it was given what was left out");
        assert(!JSON.stringify((await toldOf(call, after)).messages).includes(FERRY), "the model was told what was left out");

        await page.getByRole("button", { name: "Earlier version" }).click();
        await page.locator(".msg.it .branch").filter({ hasText: "1 of 2" }).waitFor();
        await chip(page).click();
        await piece.getByRole("link").click();
        await page.waitForURL((url) => url.href.startsWith(said) && url.searchParams.has("at"));
        await page.locator(".msg.found").filter({ hasText: FERRY }).waitFor();
      }),

    "memory: a conversation without a trace": async (world, job) =>
      ofOwner(world, async (page, context) => {
        const call = await asOwner(context, job.url);
        await open(page, `${job.url}/talk`);
        await page.keyboard.press("Control+k");
        await page.locator("input[role=combobox]").fill("without memory");
        await page.getByRole("option").filter({ hasText: "New conversation without memory" }).click();
        await page.locator(".compose .notrace").getByText("Not remembered.").waitFor();
        equal(await switchOff(page).getAttribute("aria-pressed"), "true", "whether it is to leave no trace");
        await choose(page, job.models.plain);
        await say(page, "The spare key hangs behind the quince tree.");
        await page.waitForURL(/\/talk\/conv_/);
        const secret = page.url();
        await page.locator(".msg.it .foot").first().waitFor();
        await page.locator(".conv-h").getByRole("button", { name: "Not remembered" }).waitFor();
        await say(page, "When does the ferry to Tinos leave?");
        await page.locator(".msg.it .foot").nth(1).waitFor();
        equal(await chip(page).count(), 0, "memories shown where none are used");
        const inside = await answerOf(call, secret);
        equal([inside.memory.off, inside.memory.given], ["conversation", []], "what an answer without a trace was given");
        await noMemorySays(page, "No memory: this conversation leaves no trace in it.");

        const address = await talkAbout(page, job, "Behind which tree does the spare key hang?");
        const outside = await answerOf(call, address);
        const told = await toldOf(call, outside);
        assert(!JSON.stringify(told).includes("quince"), "what was to leave no trace was told to another conversation");
        assert(!outside.memory.given.some((one) => secret.endsWith(one.conversation)), "it was given a conversation without a trace");
        await open(page, `${job.url}/talk`);
        equal(await switchOff(page).getAttribute("aria-pressed"), "false", "whether the next one leaves no trace either");
      }),

    "memory: switched off in the settings, and on again": async (world, job) =>
      ofOwner(world, async (page, context) => {
        const call = await asOwner(context, job.url);
        const turn = async (on) => {
          await open(page, `${job.url}/settings/you`);
          const kept = page.waitForResponse((answer) => answer.url().endsWith("/v1/me/settings") && answer.request().method() === "PATCH");
          await page.getByRole("switch").click();
          await kept;
          await page.locator(`[role=switch]${on ? ":checked" : ":not(:checked)"}`).waitFor();
        };
        await turn(false);
        try {
          const address = await talkAbout(page, job, "Once more: when does the ferry to Tinos leave?");
          equal(await chip(page).count(), 0, "memories shown while memory is off");
          equal((await answerOf(call, address)).memory?.off, "settings", "why it was given nothing");
          await noMemorySays(page, "No memory: you have it switched off.");
        } finally {
          await turn(true);
        }
        await talkAbout(page, job, "And when does the ferry to Tinos leave from Rafina?");
        await chip(page).waitFor();
      }),
  };
}
