// Every page and state that is looked at: where it is, who sees it, and what is done before it is seen. `route` is the page's pattern in
// web/src/router.tsx; settings have one for each part.


/** Buttons by their words, in the languages that states are looked at in. */
const WORDS = {
  "New key": "新建密钥",
  "Make the key": "创建密钥",
  "Add a provider": "添加提供商",
  "Invite somebody": "邀请",
  "New budget": "新建预算",
  Name: "名称",
  Password: "密码",
  "Name or e-mail address": "名字或电子邮箱",
  "Sign in": "登录",
  Share: "分享",
  "Make a link": "创建链接",
  Message: "消息",
};
const said = (words, language) => (language === "zh" ? (WORDS[words] ?? words) : words);

async function makeKey(page, { language }) {
  await page.getByLabel(said("Name", language), { exact: true }).fill("looked at");
  await page.getByRole("button", { name: said("Make the key", language) }).click();
  await page.locator(".secret code").waitFor();
}

async function wrongPassword(page, { language }) {
  await page.getByLabel(said("Name or e-mail address", language)).fill("nobody");
  await page.getByLabel(said("Password", language)).fill("not the password");
  await page.getByRole("button", { name: said("Sign in", language) }).click();
  await page.locator(".hint.need").waitFor();
}

/** Formulas and diagrams come a moment after the words. */
async function drawn(page) {
  await page.locator(".katex").first().waitFor(); // at the end, where a conversation opens; further up it may be out of the page again
  await page.locator(".conv .scroll").focus();
  await page.keyboard.press("Home");
}

/** Its letters come in small files, asked for when such text is first drawn. */
async function inChineseType(page) {
  await page.waitForFunction(() => [...document.fonts].some((one) => one.family.includes("Noto Sans SC") && one.status === "loaded"));
}

async function besideIt(page, key, until) {
  await page.locator(".msg").first().waitFor();
  await page.locator(".conv .scroll").focus();
  await page.keyboard.press(key);
  await page.locator(until).first().waitFor();
}

async function shareIt(page, form) {
  if (form.width < 860) return besideIt(page, "i", ".panel .form"); // on a phone it is under the other words
  await page.locator(".conv-h").getByRole("button", { name: said("Share", form.language) }).click();
  await page.getByRole("button", { name: said("Make a link", form.language) }).click();
  await page.locator(".secret code").waitFor();
}

async function searchFor(page) {
  await page.getByRole("searchbox").fill("brass");
  await page.locator(".found a").first().waitFor();
}

async function attachFile(page) {
  await page.locator(".compose input[type=file]").setInputFiles({ name: "boards.txt", mimeType: "text/plain", buffer: Buffer.from("Oak, 12 boards") });
  await page.locator(".compose .file").waitFor();
  await page.locator(".compose progress").waitFor({ state: "detached" });
}

async function compareThem(page) {
  await page.locator(".msg.it .by .branch + button").click();
  await page.locator(".compare > section .foot").nth(1).waitFor();
}

async function openMemory(page) {
  await page.locator(".msg.it .foot [data-memory]").click();
  await page.locator(".remembered li").first().waitFor();
}

async function openTold(page) {
  await openMemory(page);
  await page.locator(".remembered .others button").last().click();
  await page.locator("[role=dialog] .toldlist mark").first().waitFor();
}

async function leaveNoTrace(page) {
  await page.locator(".compose .trace button").click();
  await page.locator(".compose .notrace").waitFor();
}

async function withoutLine(page, { language }) {
  await page.locator(".msg").first().waitFor();
  await page.context().setOffline(true);
  await page.getByRole("textbox", { name: said("Message", language), exact: true }).fill("Kept until the line is back");
  await page.keyboard.press("Control+Enter");
  await page.locator(".msg.unsent").waitFor();
  await page.context().setOffline(false);
}

/** `who`: "owner" unless said; "stranger" has no session. `errors`: the console may tell of a refusal that the state is made of. */
export const STATES = [
  { name: "sign-in", route: "/", path: "/", who: "stranger" },
  { name: "sign-in-wrong", route: "/", path: "/use", who: "stranger", act: wrongPassword, errors: true },
  { name: "enter", route: "/enter", path: "LINK", who: "stranger" },
  { name: "enter-unknown", route: "/enter", path: "/enter#nothing-known", who: "stranger", errors: true },
  { name: "talk-new", route: "/talk/{-$id}", path: "/talk" },
  { name: "talk", route: "/talk/{-$id}", path: "TALK:rich", act: drawn },
  { name: "talk-chinese", route: "/talk/{-$id}", path: "TALK:chinese", act: inChineseType },
  { name: "talk-arabic", route: "/talk/{-$id}", path: "TALK:arabic" },
  { name: "talk-hostile", route: "/talk/{-$id}", path: "TALK:hostile" },
  { name: "talk-branches", route: "/talk/{-$id}", path: "TALK:branched", act: async (page) => besideIt(page, "b", ".tree") },
  { name: "talk-compare", route: "/talk/{-$id}", path: "TALK:compared", act: compareThem },
  { name: "talk-memory", route: "/talk/{-$id}", path: "TALK:remembered", act: openMemory },
  { name: "talk-told", route: "/talk/{-$id}", path: "TALK:remembered", act: openTold },
  { name: "talk-no-trace", route: "/talk/{-$id}", path: "/talk", act: leaveNoTrace },
  { name: "talk-about", route: "/talk/{-$id}", path: "TALK:rich", act: async (page) => besideIt(page, "i", ".panel .form") },
  { name: "talk-share", route: "/talk/{-$id}", path: "TALK:branched", act: shareIt },
  { name: "talk-edit", route: "/talk/{-$id}", path: "TALK:branched", act: async (page) => besideIt(page, "e", ".compose.editing") },
  { name: "talk-search", route: "/talk/{-$id}", path: "/talk", act: searchFor },
  { name: "talk-file", route: "/talk/{-$id}", path: "/talk", act: attachFile },
  { name: "talk-not-sent", route: "/talk/{-$id}", path: "TALK:branched", act: withoutLine, errors: true },
  { name: "talk-missing", route: "/talk/{-$id}", path: "/talk/conv_00000000000000000000000000", errors: true },
  { name: "talk-empty", route: "/talk/{-$id}", path: "/talk", who: "member" },
  { name: "shared", route: "/shared", path: "SHARED", who: "stranger" },
  { name: "shared-gone", route: "/shared", path: "/shared#nothing-known", who: "stranger", errors: true },
  { name: "use", route: "/use", path: "/use" },
  { name: "use-tokens-by-key", route: "/use", path: "/use?span=week&unit=tokens&by=key" },
  { name: "use-year-by-person", route: "/use", path: "/use?span=year&by=owner" },
  { name: "use-table", route: "/use", path: "/use", act: async (page) => page.locator(".behind summary").click() },
  { name: "use-empty", route: "/use", path: "/use?at=2020-02-01" },
  { name: "calls", route: "/use/calls", path: "/use/calls" },
  { name: "calls-empty", route: "/use/calls", path: "/use/calls?bar=2020-02-01" },
  { name: "call", route: "/use/calls/$id", path: "CALL" },
  { name: "call-missing", route: "/use/calls/$id", path: "/use/calls/call_00000000000000000000000000", errors: true },
  { name: "settings-models", route: "/settings/models", path: "/settings/models" },
  { name: "add-provider", route: "/settings/models", path: "/settings/models#add" },
  { name: "set-price", route: "/settings/models", path: "/settings/models#price:script/workshop-new" },
  { name: "settings-keys", route: "/settings/keys", path: "/settings/keys" },
  { name: "new-key", route: "/settings/keys", path: "/settings/keys#new" },
  { name: "key-made", route: "/settings/keys", path: "/settings/keys#new", act: makeKey },
  { name: "settings-people", route: "/settings/people", path: "/settings/people" },
  { name: "invite", route: "/settings/people", path: "/settings/people#invite" },
  { name: "settings-budgets", route: "/settings/budgets", path: "/settings/budgets" },
  { name: "new-budget", route: "/settings/budgets", path: "/settings/budgets#new" },
  { name: "settings-server", route: "/settings/server", path: "/settings/server" },
  { name: "settings-changes", route: "/settings/changes", path: "/settings/changes" },
  { name: "settings-you", route: "/settings/you", path: "/settings/you" },
  { name: "settings-member", route: "/settings", path: "/settings", who: "member" },
  { name: "missing", route: "missing", path: "/nowhere", errors: true },
  {
    name: "palette",
    route: "/use",
    path: "/use",
    act: async (page) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").waitFor();
    },
  },
  {
    name: "key-list",
    route: "/use",
    path: "/use",
    act: async (page) => {
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
    },
  },
];

