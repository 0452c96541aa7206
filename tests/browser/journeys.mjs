// What people do, from the first start on, each journey in the real browser against the real server. A journey that breaks is told with its
// name and its reason; those after it are still tried.
import { assert, equal, open, settled, signIn, visit } from "./lib.mjs";
import { fileJourneys } from "./files.mjs";
import { memoryJourneys } from "./memory.mjs";
import { talkJourneys } from "./talk.mjs";

const OWNER = { name: "Anna Verhoeven", password: "a lamp of oak and brass" };
const MEMBER = { name: "Joris", password: "brass turned on a lathe" };

async function api(context, job, method, path, body) {
  const session = await (await context.request.get(`${job.url}/v1/session`)).json();
  const answer = await context.request.fetch(job.url + path, {
    method,
    headers: { "content-type": "application/json", "x-steward-csrf": session.csrf_token ?? "" },
    ...(body === undefined ? {} : { data: body }),
  });
  return { status: answer.status(), body: await answer.json() };
}

async function comeIn(page, link, { name, password }) {
  await open(page, link);
  const nameField = page.getByLabel("Name", { exact: true });
  if (await nameField.count()) await nameField.fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { level: 1 }).filter({ hasText: /^(Talk|Use|Settings)$/ }).waitFor();
}

async function withPage(world, form, act) {
  const context = await visit(world.browser, { ...form, errors: [] });
  try {
    return await act(await context.newPage(), context);
  } finally {
    await context.close();
  }
}

/** A page of the signed-in owner. */
function ofOwner(world, act, form = {}) {
  return withPage(world, { state: world.owner, ...form }, act);
}

const row = (page, text) => page.locator("tr, li.budget").filter({ hasText: text }).first();

const JOURNEYS = {
  "first start": async (world, job) =>
    withPage(world, {}, async (page, context) => {
      await open(page, job.link);
      await page.getByRole("button", { name: "Go on" }).click();
      await page.getByText("This is needed.").first().waitFor();
      await comeIn(page, job.link, OWNER);
      await page.getByRole("heading", { level: 2, name: "Providers" }).waitFor();
      await page.getByRole("link", { name: "Begin to talk" }).waitFor();
      assert(!page.url().includes("#"), "the token stays in the address");
      await page.reload();
      await page.getByText(OWNER.name).waitFor();
      world.owner = await context.storageState();
      await withPage(world, {}, async (other) => {
        await open(other, job.link);
        await other.getByText("This link has been used").waitFor();
      });
    }),

  "invite and role": async (world, job) => {
    const link = await ofOwner(world, async (page) => {
      await open(page, `${job.url}/settings/people#invite`);
      await page.getByRole("dialog").getByLabel("Name", { exact: true }).fill(MEMBER.name);
      await page.getByRole("button", { name: "Make the link" }).click();
      const made = await page.locator(".secret code").textContent();
      await page.getByRole("button", { name: "I have it" }).click();
      await row(page, MEMBER.name).waitFor();
      return made;
    });
    await withPage(world, {}, async (page, context) => {
      await comeIn(page, link, MEMBER);
      await open(page, `${job.url}/settings`);
      equal(await page.locator(".tabs a").allTextContents(), ["Keys", "You"], "parts of a member's settings");
      await open(page, `${job.url}/settings/people`);
      await page.getByRole("heading", { name: "There is no such page for you" }).waitFor();
      equal((await api(context, job, "GET", "/admin/v1/people")).status, 403, "a member asks for the people");
      world.member = await context.storageState();
    });
  },

  "sign in, wrong and right": async (world, job) =>
    withPage(world, {}, async (page) => {
      await page.goto(`${job.url}/settings/keys`);
      await page.getByLabel("Name or e-mail address").fill(MEMBER.name);
      await page.getByLabel("Password").fill("not this one");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.locator(".hint.need").waitFor();
      assert((await page.getByLabel("Password").getAttribute("aria-invalid")) === "true", "the field is not marked wrong");
      await page.getByLabel("Password").fill(MEMBER.password);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 2, name: "Keys" }).waitFor();
    }),

  "use down to one call": async (world, job) =>
    ofOwner(world, async (page, context) => {
      await open(page, `${job.url}/use`);
      await page.locator(".chart canvas").waitFor();
      const used = await api(context, job, "GET", "/admin/v1/usage?group_by=model");
      const spent = Number(used.body.total.cost_microusd) / 1e6;
      const shown = (await page.locator(".figure b").first().textContent()).replace(/[$,]/g, "");
      assert(Math.abs(Number(shown) - spent) <= 0.005 + spent * 1e-3, `${shown} is shown where ${spent} was spent`);
      await page.locator(".chart").focus();
      await page.keyboard.press("End");
      await page.locator(".chartline b").first().waitFor();
      await page.locator(".behind summary").click();
      await page.locator(".behind tbody button").last().click();
      await page.getByRole("heading", { level: 1, name: "Calls" }).waitFor();
      await page.locator("table.calls tbody tr").first().waitFor();
      equal(await page.locator("table.calls tbody tr").count(), Math.min(50, used.body.total.calls), "calls behind today's bar");
      await page.locator("table.calls tbody a").first().click();
      await page.getByRole("heading", { level: 2, name: "Cost" }).waitFor();
      assert((await page.locator(".kv code").last().textContent()).startsWith("call_"), "the call's id is not shown");
    }),

  "use by keyboard, in another unit, as CSV": async (world, job) =>
    ofOwner(world, async (page, context) => {
      await open(page, `${job.url}/use`);
      await page.keyboard.press("m");
      await page.waitForURL(/unit=tokens/);
      await settled(page);
      const saving = page.waitForEvent("download");
      await page.locator("section").filter({ has: page.locator("#by-model") }).getByRole("button", { name: "Save as CSV" }).click();
      const lines = (await (await (await saving).createReadStream()).toArray()).join("").trim().split("\r\n");
      const models = await api(context, job, "GET", "/admin/v1/usage?group_by=model,provider");
      equal(lines.length - 1, models.body.data.length, "rows of the CSV");
      const calls = lines.slice(1).reduce((sum, line) => sum + Number(line.split(",")[2]), 0);
      equal(calls, models.body.total.calls, "calls in the CSV");
    }),

  "a key: made, used, rotated, revoked": async (world, job) =>
    ofOwner(world, async (page, context) => {
      await open(page, `${job.url}/settings/keys#new`);
      await page.getByLabel("Name", { exact: true }).fill("مفتاح الورشة");
      await page.getByLabel("May spend, $").fill("2.50");
      await page.getByRole("button", { name: "Make the key" }).click();
      const secret = await page.locator(".secret code").textContent();
      await page.getByRole("button", { name: "Copy" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      equal(await page.evaluate(() => navigator.clipboard.readText()), secret, "what was copied");
      const works = async (key) => (await context.request.get(`${job.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status();
      equal(await works(secret), 200, "the key asks for the models");
      await page.getByRole("button", { name: "I have it" }).click();
      const line = row(page, "مفتاح الورشة");
      await line.getByText("of 2.50").waitFor();
      equal(await line.locator("td span[dir=auto]").first().evaluate((found) => getComputedStyle(found).direction), "rtl", "direction of an Arabic name");
      await line.getByRole("button", { name: /^Rotate/ }).click();
      await page.getByLabel("The old one goes on working for").selectOption("0");
      await page.getByRole("button", { name: "Make a new secret" }).click();
      const fresh = await page.locator(".secret code").textContent();
      await page.getByRole("button", { name: "I have it" }).click();
      equal([await works(secret), await works(fresh)], [401, 200], "the old and the new secret");
      await line.getByRole("button", { name: /^Revoke/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
      await line.getByText("revoked").waitFor();
      equal(await works(fresh), 401, "the revoked key");
    }),

  "a provider: added and seen to work": async (world, job) =>
    ofOwner(world, async (page) => {
      const add = async (name, address) => {
        await open(page, `${job.url}/settings/models#add`);
        await page.getByRole("dialog").getByLabel("Provider").selectOption({ label: "Another one" });
        await page.getByLabel("Name", { exact: true }).fill(name);
        await page.getByLabel("Address").fill(address);
        await page.getByLabel("Key", { exact: true }).fill("sk-of-this-test");
        await page.getByRole("button", { name: "Add and try it" }).click();
        await page.locator(".tried").waitFor();
        return page.locator(".tried").textContent();
      };
      assert((await add("added", job.provider)).includes("It works"), "the provider that answers is not told to work");
      await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
      await row(page, job.provider).waitFor();
      // Its models stand there at once, each to be given the price that nobody told.
      const model = page.locator("tr").filter({ hasText: "workshop-echo" }).filter({ hasText: "added" });
      await model.getByText("no price").waitFor();
      await model.getByRole("button", { name: "Set a price for workshop-echo" }).click();
      await page.getByLabel("Read, $").fill("0.25");
      await page.getByLabel("Written, $").fill("1.5");
      await page.getByRole("button", { name: "Set the price" }).click();
      await model.getByText("0.25 / 1.5").waitFor();
      await model.getByRole("button", { name: "Change the price of workshop-echo" }).waitFor();
      assert((await add("nobody", job.nobody)).includes("does not work"), "the provider that nobody is behind is told to work");
      await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
      assert(!(await page.content()).includes("sk-of-this-test"), "the key is shown");
      for (const name of ["nobody", "added"]) {
        const remove = page.getByRole("button", { name: `Remove ${name}` });
        await remove.click();
        await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
        await remove.waitFor({ state: "detached" });
      }
    }),

  "a budget: made, changed, told in the changes": async (world, job) =>
    ofOwner(world, async (page) => {
      await open(page, `${job.url}/settings/budgets#new`);
      await page.getByLabel("Over").selectOption({ label: MEMBER.name });
      await page.getByLabel("At most, $").fill("12");
      await page.getByRole("button", { name: "Make the budget" }).click();
      const line = row(page, MEMBER.name);
      await line.getByText("of 12.00").waitFor();
      await line.getByRole("button", { name: /^Change/ }).click();
      await page.getByLabel("At most, $").fill("15");
      await page.getByRole("button", { name: "Set it" }).click();
      await line.getByText("of 15.00").waitFor();
      await open(page, `${job.url}/settings/changes`);
      const told = row(page, "Budget set");
      await told.getByText(OWNER.name).waitFor();
      await open(page, `${job.url}/use`);
      await row(page, MEMBER.name).getByText("$15.00 left of 15.00").waitFor();
    }),

  "a setting: above the file, taken back; the file's is fixed": async (world, job) =>
    ofOwner(world, async (page) => {
      await open(page, `${job.url}/settings/server`);
      const find = async (text) => {
        await page.getByLabel("Find a value").fill(text);
        await settled(page);
      };
      await find(job.setting.key);
      const line = page.locator("table.conf tr").filter({ hasText: job.setting.key.split(".")[1] }).first();
      await line.getByRole("button", { name: `Change ${job.setting.key}` }).click();
      await page.getByLabel("Value", { exact: true }).fill(job.setting.value);
      await page.getByRole("button", { name: "Set it" }).click();
      await line.getByText("set here").waitFor();
      await line.getByRole("button").click();
      await page.getByRole("button", { name: "Take it back" }).click();
      await line.getByText("as it came").waitFor();
      await find(job.fixed);
      const fixed = page.locator("table.conf tr").filter({ hasText: job.fixed.split(".")[1] }).first();
      equal(await fixed.getByRole("button").count(), 0, "ways to change what the environment fixes");
      await fixed.getByText("fixed", { exact: true }).waitFor();
    }),

  "palette and keys": async (world, job) =>
    ofOwner(world, async (page) => {
      await open(page, `${job.url}/settings/keys`);
      await page.keyboard.press("Control+k");
      await page.locator("input[role=combobox]").fill("bud");
      await page.locator("[role=option][aria-selected=true]").filter({ hasText: "Budgets" }).waitFor();
      await page.keyboard.press("Enter");
      await page.waitForURL(/settings\/budgets/);
      await page.keyboard.press("g");
      await page.keyboard.press("u");
      await page.waitForURL(/\/use/);
      await settled(page);
      equal(await page.evaluate(() => document.activeElement?.id), "main", "what has the focus after a move");
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
      await page.keyboard.press("Tab");
      await page.keyboard.press("Control+k");
      await page.locator("input[role=combobox]").waitFor();
      await page.keyboard.press("Escape");
    }),

  "palette: finds what was said, projects, folders, models, keys, people and values": async (world, job) =>
    ofOwner(world, async (page, context) => {
      const made = await api(context, job, "POST", "/v1/projects", { name: "Zirconium lamps" });
      equal(made.status, 201, "a project made by the API");
      const talk = await api(context, job, "POST", "/v1/conversations", {
        title: "Glazes for the kiln",
        folder: "Zirconium folder",
        items: [{ type: "message", role: "user", content: "Is zirconium silicate safe in a glaze for cups?" }],
      });
      equal(talk.status, 200, "a conversation made by the API");
      const find = async (asked, group, name) => {
        await page.keyboard.press("Control+k");
        await page.locator("input[role=combobox]").fill(asked);
        const row = page.getByRole("group", { name: group }).getByRole("option").filter({ hasText: name });
        await row.first().waitFor();
        return row.first();
      };
      await open(page, `${job.url}/use`);
      await page.keyboard.press("Control+k");
      await page.getByRole("group", { name: "Go on with" }).getByRole("option").filter({ hasText: "Glazes for the kiln" }).waitFor();
      await page.keyboard.press("Escape");

      const said = await find("silicate", "Said and written", "zirconium silicate safe");
      equal(await said.locator("mark").textContent(), "silicate", "what is marked of what was said");
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname.endsWith(talk.body.id) && url.searchParams.has("at"));
      await (await find("glazes", "Conversations", "Glazes for the kiln")).click();
      await page.waitForURL((url) => url.pathname.endsWith(talk.body.id));

      await (await find("zirconium f", "Kept here", "Zirconium folder")).click();
      await page.locator(".list .rows a").filter({ hasText: "Glazes for the kiln" }).waitFor();
      await (await find("zirconium l", "Kept here", "Zirconium lamps")).click();
      await page.getByText("It begins in “Zirconium lamps”.").waitFor();
      await page.getByLabel("Which conversations").selectOption("");

      for (const [asked, name, part] of [
        ["lamp-conf", "lamp-configurator", "keys"],
        [MEMBER.name, MEMBER.name, "people"],
        ["max_event_str", "limits.max_event_streams", "server"],
      ]) {
        await (await find(asked, "Kept here", name)).click();
        await page.waitForURL((url) => url.pathname === `/settings/${part}`);
        await page.locator("[data-pointed]").filter({ hasText: name.split(".").at(-1) }).waitFor();
      }
      await (await find("workshop-sm", "Kept here", "workshop-small")).click();
      await page.waitForURL(/\/talk$/);
      equal(await page.locator(".compose select:visible").inputValue(), "workshop-small", "who answers");

      await page.keyboard.press("Control+k");
      await page.locator("input[role=combobox]").fill("why is nothing called this");
      await page.getByText("Nothing here is called").waitFor();
      await page.keyboard.press("Control+Enter");
      const field = page.getByRole("textbox", { name: "Message", exact: true });
      await page.waitForFunction(() => document.querySelector(".compose textarea")?.value === "why is nothing called this");
      await field.fill("");
      await withPage(world, { state: world.member }, async (other) => {
        await open(other, `${job.url}/use`);
        await other.keyboard.press("Control+k");
        await other.locator("input[role=combobox]").fill("zirconium");
        await other.getByText("Nothing here is called").waitFor();
      });
    }),

  "Chinese, and an input method's Enter": async (world, job) =>
    ofOwner(world, async (page) => {
      await open(page, `${job.url}/settings/keys`);
      await page.keyboard.press("Control+k");
      await page.locator("input[role=combobox]").fill("中文");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "设置" }).waitFor();
      await page.reload();
      await page.getByRole("heading", { level: 1, name: "设置" }).waitFor();
      equal(await page.evaluate(() => document.documentElement.lang), "zh-Hans", "the page's language");
      await page.getByRole("button", { name: "新建密钥" }).first().click();
      const name = page.getByLabel("名称", { exact: true });
      await name.fill("工坊");
      const sent = await name.evaluate((field) => {
        const enter = new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true });
        return field.dispatchEvent(enter);
      });
      equal(sent, false, "whether an Enter that chooses a word goes on to the form");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.locator("input[role=combobox]").fill("English");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    }),

  "live: what happens elsewhere is seen here": async (world, job) =>
    ofOwner(world, async (page, context) => {
      await open(page, `${job.url}/settings/keys`);
      const made = await api(context, job, "POST", "/admin/v1/keys", { name: "made elsewhere" });
      equal(made.status, 201, "a key made by the API");
      await row(page, "made elsewhere").waitFor();
    }),

  "away and back": async (world, job) =>
    ofOwner(world, async (page) => {
      await open(page, `${job.url}/use`);
      await job.control("stop");
      await page.getByText("No connection to the server.").waitFor();
      await page.locator(".figure b").first().waitFor();
      await job.control("start");
      await page.getByRole("button", { name: "Try now" }).click({ timeout: 2000 }).catch(() => undefined);
      await page.getByText("No connection to the server.").waitFor({ state: "detached" });
      await page.getByRole("heading", { level: 1, name: "Use" }).waitFor();
    }),

  "signed out everywhere": async (world, job) =>
    withPage(world, {}, async (one) => {
      await signIn(one, job.url, MEMBER.name, MEMBER.password);
      await withPage(world, {}, async (other) => {
        await signIn(other, job.url, MEMBER.name, MEMBER.password);
        await open(other, `${job.url}/settings/you`);
        await other.getByRole("button", { name: "Sign out everywhere else" }).click();
        await other.getByRole("dialog").getByRole("button", { name: "Sign out everywhere else" }).click();
        await other.getByRole("dialog").waitFor({ state: "detached" });
        await one.goto(`${job.url}/use`);
        await one.getByRole("heading", { level: 1, name: "Sign in" }).waitFor();
      });
    }),

  "on the phone": async (world, job) =>
    ofOwner(
      world,
      async (page) => {
        for (const path of ["/use", "/use/calls", "/settings/models", "/settings/keys", "/settings/server", "/settings/you"]) {
          await open(page, job.url + path);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert(over <= 1, `${path} is ${over} px wider than the phone`);
        }
        await page.getByRole("button", { name: "Find" }).tap();
        await page.getByRole("option", { name: "Keys Settings" }).tap();
        await page.waitForURL(/settings\/keys/);
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Use" }).tap();
        await page.waitForURL(/\/use/);
      },
      { width: 390 },
    ),
};

const ALL = { ...JOURNEYS, ...talkJourneys({ ofOwner, withPage }), ...fileJourneys({ ofOwner }), ...memoryJourneys({ ofOwner }) };

export async function run(browser, job) {
  const world = { browser, owner: undefined, member: undefined };
  const answer = { names: [], failed: [], sessions: {} };
  for (const [name, journey] of Object.entries(ALL)) {
    if (job.only && name !== "first start" && name !== "invite and role" && !job.only.includes(name)) continue;
    answer.names.push(name);
    try {
      if (job.plant === name) throw new Error("planted");
      await journey(world, job);
    } catch (error) {
      answer.failed.push(`${name}: ${String(error).slice(0, 600)}`);
    }
  }
  answer.sessions = { owner: world.owner, member: world.member };
  return answer;
}
