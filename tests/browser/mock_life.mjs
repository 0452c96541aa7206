// The conversations of mock.mjs: a tree of messages each, answers that are written while one looks, and enough of everything to see.
import { recalled, toldBefore } from "./mock_memory.mjs";
import { ANSWER, HOSTILE, RICH, CHINESE, ARABIC } from "./talk_texts.mjs";

let count = 0;
const id = (prefix) => `${prefix}_${(count += 1).toString().padStart(26, "0")}`;
const now = () => Math.floor(Date.now() / 1000);
const refuse = (status, code, message) => Object.assign(new Error(message), { status, code });
const TITLES = ["Ferreira, the late invoice", "Mould on the north wall", "Lotte reads the clock", "Why the E14 sockets buzz", "Letter to the landlord", "A second pair of hands", "Mieke’s knee", "Lamp configurator, rounding", "Sint, what to buy"];
const LINES = ["Lime paint, not silicate", "Half past, in Dutch and in English", "It is the dimmer, not the socket", "Third version, two sentences less", "One flight at most until summer"];

export class Life {
  constructor(say) {
    this.say = say;
    this.seq = 1;
    this.conversations = new Map();
    this.messages = new Map();
    this.projects = new Map();
    this.attachments = new Map();
    this.shares = new Map();
    this.timers = new Map();
    this.values = {}; // the person's settings
    this.seed();
  }

  seed() {
    const garden = { id: id("proj"), name: "Lisbon", instructions: "Answer briefly. Mieke can climb one flight.", model: null, conversations: 1, created_at: now() };
    this.projects.set(garden.id, garden);
    this.said({ title: "Lisbon in April", pinned: true, project: garden.id, ago: 60 }, [
      ["Let's go on with that trip. What is still open, and which flat suits Mieke?", RICH],
      ["Then Estrela. What would the week cost by tram instead of a car?", ANSWER],
    ]);
    this.said({ title: "Price list 2027", pinned: true, ago: 2 * 86400 }, [["Which prices stay?", "Keep the brass pendant at **340**."]]);
    this.said({ title: "清明去泉州", ago: 3600 }, [["接着说那趟旅行吧。还有哪些没定？哪一处适合外婆？", CHINESE]]);
    this.said({ title: "رحلة إلى لشبونة", ago: 7200 }, [["ما الذي بقي مفتوحًا؟", ARABIC]]);
    this.said({ title: "Hostile <img src=x onerror=alert(1)>", ago: 9000, folder: "Tests" }, [[HOSTILE, HOSTILE]]);
    const long = this.said({ title: "Five thousand messages", ago: 12000 }, []);
    for (let i = 0; i < 2500; i += 1) this.add(long, `Question ${i + 1}: which wood?`, i % 7 === 3 ? RICH.slice(0, 900) : `Oak, for lamp ${i + 1}. ${"It is dry and it is here. ".repeat(i % 9)}`);
    for (let i = 0; i < Number(process.env.MANY ?? 400); i += 1) this.said({ title: TITLES[i % TITLES.length], ago: 14000 + i * 5400, archived: i % 50 === 49 }, [["…", LINES[i % LINES.length]]]);
  }

  said({ title, ago = 0, ...more }, pairs) {
    const at = now() - ago;
    const one = { id: id("conv"), object: "conversation", created_at: at - 86400 * 16, updated_at: at, metadata: {}, title, title_by: "rule", pinned: false, archived: false, project: null, folder: null, current: null, shared: false, owner: "usr_01JD0000000000000000000000", mine: true, model: "qwen3-30b", route: null, hidden: false, remember: true, ...more };
    this.conversations.set(one.id, one);
    for (const [asked, told] of pairs) this.add(one, asked, told);
    return one;
  }

  message(conversation, more) {
    const one = { id: id("msg"), object: "message", conversation: conversation.id, parent: conversation.current, role: "user", created_at: conversation.updated_at, status: "completed", text: "", reasoning: null, attachments: [], tools: [], model: null, route: null, usage: null, cost_nano_usd: null, duration_ms: null, first_token_ms: null, error: null, call: null, ...more };
    this.messages.set(one.id, one);
    conversation.current = one.id;
    return one;
  }

  add(conversation, asked, told) {
    this.message(conversation, { text: asked });
    this.message(conversation, { role: "assistant", text: told, model: "qwen3-30b", call: id("call"), usage: { input_tokens: 1204, output_tokens: Math.ceil(told.length / 4), reasoning_tokens: 0 }, cost_nano_usd: 1_240_000, duration_ms: 6200, first_token_ms: 310 });
  }

  path(leaf) {
    const out = [];
    for (let at = this.messages.get(leaf); at; at = this.messages.get(at.parent)) out.unshift(at);
    return out;
  }

  children(parent, conversation, role) {
    return [...this.messages.values()].filter((one) => one.conversation === conversation && one.parent === parent && (!role || one.role === role));
  }

  leaf(from) {
    let at = this.messages.get(from);
    for (let next = at; next; next = this.children(at.id, at.conversation).at(-1)) at = next;
    return at.id;
  }

  told(one) {
    const beside = this.siblings ?? this.children(one.parent, one.conversation, one.role);
    const index = Math.max(0, beside.indexOf(one));
    return { ...one, versions: { index: index + 1, count: Math.max(1, beside.length), previous: beside[index - 1]?.id ?? null, next: beside[index + 1]?.id ?? null } };
  }

  summary(one) {
    const last = this.messages.get(one.current);
    const { hidden: _, ...rest } = one;
    return { ...rest, messages: one.title === "Five thousand messages" ? 5000 : this.path(one.current).length, preview: (last?.text ?? "").replace(/[#*`>|\n]+/g, " ").slice(0, 120), answering: last?.status === "in_progress" };
  }

  record(kind, conversation) {
    this.seq += 1;
    this.say("record", { seq: this.seq, kind, stream: `conversation/${conversation}` }, this.seq);
  }

  conversation(name) {
    const one = this.conversations.get(name);
    if (!one || one.hidden) throw refuse(404, "not_found", "There is no such conversation.");
    return one;
  }

  handle(method, path, query, body, { raw, headers }) {
    const [, , kind, name, part, sub, act] = path.split("/");
    if (kind === "conversations") return { body: name ? this.ofConversation(method, this.conversation(part === "restore" ? this.shown(name) : name), part, sub, act, query, body) : this.list(method, query, body) };
    if (kind === "projects") return { body: this.project(method, name, body) };
    if (kind === "me" && name === "settings") return { body: { values: Object.assign(this.values, body.values) } };
    if (kind === "search") return { body: this.search(query) };
    if (kind === "attachments") return { status: method === "POST" ? 201 : 200, body: this.attachment(method, name, query, raw, headers) };
    if (kind === "shared") return { body: this.sharedBy(headers["x-steward-share"]) };
    throw refuse(404, "not_found", `Nothing is at ${path}.`);
  }

  shown(name) {
    const one = this.conversations.get(name);
    if (one) one.hidden = false;
    return name;
  }

  list(method, query, body) {
    if (method === "POST") {
      const one = this.conversations.get(body.id) ?? this.said({ ...body, title: null, ago: 0, hidden: false }, []);
      if (body.id && one.id !== body.id) {
        this.conversations.delete(one.id);
        this.conversations.set((one.id = body.id), one);
      }
      return this.summary(one);
    }
    const all = [...this.conversations.values()]
      .filter((one) => !one.hidden && one.archived === (query.get("archived") === "true") && (!query.get("project") || one.project === query.get("project")) && (!query.get("folder") || one.folder === query.get("folder")) && (!query.get("pinned") || one.pinned))
      .sort((a, b) => b.updated_at - a.updated_at);
    const from = query.get("after") ? all.findIndex((one) => one.id === query.get("after")) + 1 : 0;
    const limit = Number(query.get("limit") ?? 20);
    const data = all.slice(from, from + limit).map((one) => this.summary(one));
    return { object: "list", data, has_more: from + limit < all.length, last_id: data.at(-1)?.id };
  }

  ofConversation(method, one, part, sub, act, query, body) {
    if (part === "messages" && method === "GET" && !sub) return this.window(one, query);
    if (part === "messages" && !sub) return this.post(one, body);
    if (part === "messages" && act === "told") return toldBefore(this, this.messages.get(sub));
    if (part === "messages") return this.act(one, this.messages.get(sub), act, body);
    if (part === "tree") return { object: "list", data: [...this.messages.values()].filter((m) => m.conversation === one.id).map((m) => ({ id: m.id, parent: m.parent, role: m.role, created_at: m.created_at, preview: m.text.slice(0, 120), model: m.model, status: m.status })), has_more: false };
    if (part === "shares") return this.share(method, one, sub, body);
    if (part === "delete") one.hidden = true;
    else if (method === "POST" && part !== "restore") {
      if (body.current) body.current = this.leaf(body.current);
      Object.assign(one, body, body.title !== undefined ? { title_by: "person" } : {});
    }
    if (method === "POST") this.record("conversation.placed", one.id);
    return this.summary(one);
  }

  window(one, query) {
    const at = query.get("at");
    const whole = this.path(at ? (query.get("after") || query.get("before") ? this.leaf(at) : at) : one.current);
    const limit = Number(query.get("limit") ?? 50);
    const index = (name) => whole.findIndex((m) => m.id === name);
    const after = query.get("after");
    const end = after ? Math.min(whole.length, index(after) + 1 + limit) : query.get("before") ? index(query.get("before")) : whole.length;
    const start = after ? index(after) + 1 : Math.max(0, end - limit);
    return { object: "list", data: whole.slice(start, end).map((m) => this.told(m)), has_more: after ? end < whole.length : start > 0 };
  }

  post(one, body) {
    const had = this.messages.get(body.id);
    if (had) return { message: this.told(had), answer: null };
    if (body.text === "refuse me") throw refuse(413, "too_large", "That is longer than a message may be.");
    one.updated_at = now();
    const busy = this.messages.get(one.current)?.status === "in_progress";
    const files = (body.attachments ?? []).map((name) => this.attachments.get(name)).filter(Boolean);
    if (body.parent !== undefined) one.current = body.parent;
    const said = this.message(one, { text: body.text, attachments: files, status: busy && body.parent === undefined ? "queued" : "completed" });
    this.messages.delete(said.id);
    this.messages.set((said.id = body.id ?? said.id), said);
    one.current = said.id;
    one.title ??= body.text.slice(0, 40);
    const answer = this.answer(one, body.route ? { route: body.route, model: "qwen3-30b" } : { model: body.model ?? "qwen3-30b" }, said.status === "queued", body);
    this.record("conversation.message_said", one.id);
    return { message: this.told(said), answer: this.told(answer) };
  }

  answer(one, by, queued, how) {
    const message = this.message(one, { role: "assistant", status: queued ? "queued" : "in_progress", reasoning: queued ? null : "", created_at: now(), ...by });
    message.memory = recalled(this, one, this.messages.get(message.parent)?.text ?? "", how);
    if (!queued) this.write(one, message);
    return message;
  }

  write(one, message, from = 0) {
    const [text, letters] = /smollm/.test(message.model) ? ["Oak, then brass.", 40] : /sonnet/.test(message.model) ? [this.messages.get(message.parent)?.text ?? "", Math.max(80, Math.ceil((this.messages.get(message.parent)?.text.length ?? 0) / 60))] : [ANSWER, Number(process.env.LETTERS ?? 8)];
    let at = from;
    const began = Date.now();
    const thought = "She asked for the tram. The pass is 17.50 a week; Lotte is under four, so she rides free. ";
    const timer = setInterval(() => {
      if ((message.reasoning ?? "").length < thought.length && from === 0) {
        const piece = thought.slice(message.reasoning.length, message.reasoning.length + 12);
        this.say("delta", { conversation: one.id, message: message.id, part: "reasoning", offset: message.reasoning.length, text: piece });
        message.reasoning += piece;
        return;
      }
      const piece = text.slice(at, at + letters);
      this.say("delta", { conversation: one.id, message: message.id, part: "text", offset: message.text.length, text: piece });
      message.text += piece;
      at += piece.length;
      if (at >= text.length) this.end(one, message, "completed", Date.now() - began);
    }, 20);
    this.timers.set(message.id, timer);
  }

  end(one, message, status, took) {
    clearInterval(this.timers.get(message.id));
    this.timers.delete(message.id);
    Object.assign(message, { status, duration_ms: took, first_token_ms: 180, usage: { input_tokens: 900, output_tokens: Math.ceil(message.text.length / 4), reasoning_tokens: 20 }, cost_nano_usd: 812_000, call: id("call") });
    one.updated_at = now();
    this.record("conversation.answer_ended", one.id);
    this.say("state", { conversation: one.id, message: message.id, status });
    const next = [...this.messages.values()].find((m) => m.conversation === one.id && m.status === "queued" && m.role === "user" && m.parent === message.id);
    if (!next) return;
    next.status = "completed";
    const waiting = this.children(next.id, one.id)[0];
    Object.assign(waiting, { status: "in_progress", reasoning: "" });
    this.write(one, waiting);
    this.record("conversation.answer_started", one.id);
  }

  act(one, message, act, body) {
    if (!message) throw refuse(404, "not_found", "There is no such message.");
    if (act === "stop" && message.status === "queued") {
      for (const child of this.children(message.id, one.id)) this.messages.delete(child.id);
      this.messages.delete(message.id);
      one.current = message.parent;
      this.record("conversation.placed", one.id);
    } else if (act === "stop") this.end(one, message, "stopped", 900);
    else if (act === "continue") {
      message.status = "in_progress";
      this.write(one, message, message.text.length);
      this.record("conversation.answer_started", one.id);
    } else if (act === "retry") {
      one.current = message.role === "user" ? message.id : message.parent;
      const answer = this.answer(one, body.route ? { route: body.route, model: "qwen3-30b" } : { model: body.model ?? "qwen3-30b" }, false, body);
      this.record("conversation.answer_started", one.id);
      return { message: null, answer: this.told(answer) };
    }
    return { message: this.told(message), answer: null };
  }

  exported(name, format) {
    const ending = { markdown: "md", json: "json", html: "html" }[format];
    return [`conversation.${ending}`, this.path(this.conversation(name).current).map((m) => m.text).join("\n\n")];
  }

  share(method, one, name, body) {
    const all = this.shares.get(one.id) ?? [];
    if (method === "GET") return { object: "list", data: all.map(({ token: _, ...rest }) => rest), has_more: false };
    if (method === "DELETE") this.shares.set(one.id, all.filter((each) => each.id !== name));
    else {
      const made = { id: id("shr"), with: body.with, created_at: now(), to: body.to ?? one.current, token: `secret${count}` };
      this.shares.set(one.id, [...all, made]);
      one.shared = true;
      return { ...made, ...(body.with === "link" ? { url: `http://127.0.0.1:${process.argv[3] ?? 7171}/shared#${made.token}` } : {}) };
    }
    return {};
  }

  sharedBy(token) {
    for (const [name, all] of this.shares) {
      const found = all.find((each) => each.token === token);
      if (found) return { title: this.conversations.get(name).title, by: "Anna Verhoeven", shared_at: found.created_at, messages: this.path(found.to).map(({ usage, cost_nano_usd, call, error, conversation, ...m }) => m), has_more: false };
    }
    throw refuse(404, "not_found", "Nothing is shared under this link.");
  }

  project(method, name, body) {
    if (method === "GET") return { object: "list", data: [...this.projects.values()], has_more: false, folders: [...new Set([...this.conversations.values()].map((one) => one.folder).filter(Boolean))].map((each) => ({ name: each, conversations: 1 })) };
    if (method === "DELETE") this.projects.delete(name);
    else if (name) Object.assign(this.projects.get(name), body);
    else {
      const made = { id: id("proj"), instructions: "", model: null, conversations: 0, created_at: now(), ...body };
      this.projects.set(made.id, made);
      return made;
    }
    return this.projects.get(name) ?? {};
  }

  search(query) {
    const q = query.get("q").toLowerCase();
    const data = [];
    for (const one of this.conversations.values()) {
      const at = (one.title ?? "").toLowerCase().indexOf(q);
      if (at >= 0 && !query.get("conversation")) data.push({ conversation: one.id, title: one.title, message: null, role: null, created_at: one.updated_at, snippet: one.title, marks: [[at, at + q.length]] });
      if (data.length > 20) break;
    }
    for (const m of this.messages.values()) {
      const at = m.text.toLowerCase().indexOf(q);
      if (at < 0 || (query.get("conversation") && m.conversation !== query.get("conversation"))) continue;
      const from = Math.max(0, at - 40);
      data.push({ conversation: m.conversation, title: this.conversations.get(m.conversation)?.title ?? null, message: m.id, role: m.role, created_at: m.created_at, snippet: m.text.slice(from, at + 80), marks: [[at - from, at - from + q.length]] });
      if (data.length > 60) break;
    }
    const limit = Number(query.get("limit") ?? 30);
    return { object: "list", data: data.slice(0, limit), has_more: false };
  }

  attachment(method, name, query, raw, headers) {
    if (method !== "POST") return this.attachments.get(name) ?? {};
    const type = headers["content-type"] ?? "application/octet-stream";
    const made = { id: id("att"), object: "attachment", name: query.get("name"), type, bytes: raw.length, created_at: now(), state: "reading", kind: type.startsWith("image/") ? "image" : /pdf/.test(type) ? "pdf" : "text", pages: /pdf/.test(type) ? 12 : null, characters: null, error: null };
    this.attachments.set(made.id, made);
    setTimeout(() => Object.assign(made, { state: "ready", characters: 1834 }), 1200);
    return { ...made };
  }
}
