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

/** `who`: "owner" unless said; "stranger" has no session. `errors`: the console may tell of a refusal that the state is made of. */
export const STATES = [
  { name: "sign-in", route: "/", path: "/", who: "stranger" },
  { name: "sign-in-wrong", route: "/", path: "/use", who: "stranger", act: wrongPassword, errors: true },
  { name: "enter", route: "/enter", path: "LINK", who: "stranger" },
  { name: "enter-unknown", route: "/enter", path: "/enter#nothing-known", who: "stranger", errors: true },
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

