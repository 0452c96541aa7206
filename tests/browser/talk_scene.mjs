// Conversations to look at, made through the API by the owner: every kind of markdown, other scripts, texts that mean harm, versions, and a
// link. Made once: a second look finds them by their titles.
import { RICH, CHINESE, ARABIC, FERRY, HOSTILE } from "./talk_texts.mjs";

const POLL_MS = 200;
const LONGEST_MS = 60_000;

/** Calls of the API as the owner whose session the context holds. */
export async function asOwner(context, url) {
  const session = await (await context.request.get(`${url}/v1/session`)).json();
  return async (method, path, body) => {
    const answer = await context.request.fetch(url + path, {
      method,
      headers: { "content-type": "application/json", "x-steward-csrf": session.csrf_token ?? "" },
      ...(body === undefined ? {} : { data: body }),
    });
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${(await answer.text()).slice(0, 300)}`);
    return answer.json();
  };
}

/** The name under which the server offers a model. */
export async function modelNamed(call, name) {
  const found = (await call("GET", "/v1/models")).data.find((one) => one.id.endsWith(name));
  if (!found) throw new Error(`no model is called ${name}`);
  return found.id;
}

export async function until(holds) {
  for (const began = Date.now(); Date.now() - began < LONGEST_MS; await new Promise((then) => setTimeout(then, POLL_MS))) {
    const found = await holds();
    if (found) return found;
  }
  throw new Error("it did not come to pass in time");
}

/** Says something and waits for the answer to end. */
export async function saidAndAnswered(call, id, body) {
  const { message } = await call("POST", `/v1/conversations/${id}/messages`, body);
  return until(async () => {
    const { data } = await call("GET", `/v1/conversations/${id}/messages?limit=5`);
    const answer = data.find((one) => one.role === "assistant" && one.parent === message.id);
    return answer && !["queued", "in_progress"].includes(answer.status) ? { message, answer } : undefined;
  });
}

async function made(call, title, act) {
  const had = (await call("GET", `/v1/conversations?limit=100`)).data.find((one) => one.title === title);
  if (had) return had.id;
  const { id } = await call("POST", "/v1/conversations", { title });
  await act(id);
  return id;
}

export async function talkScene(context, job) {
  const call = await asOwner(context, job.url);
  // `echo` answers with what it is told, so that an answer can be anything.
  const echo = await modelNamed(call, job.models.echo);
  const echoing = (title, text) => made(call, title, (id) => saidAndAnswered(call, id, { text, model: echo }));
  const branched = await made(call, "Which wood, which metal?", async (id) => {
    const { message } = await saidAndAnswered(call, id, { text: "Oak or walnut for the lamp, and brass or steel?", model: echo });
    await call("POST", `/v1/conversations/${id}/messages/${message.id}/retry`, { model: echo });
    await saidAndAnswered(call, id, { text: "And with turned brass?", parent: message.parent, model: echo });
  });
  const plain = await modelNamed(call, job.models.plain);
  const compared = await made(call, "Two answers to one question", async (id) => {
    const { message } = await saidAndAnswered(call, id, { text: "Oak is hard and light, walnut dark and soft.\n\n- Oak: **12** boards\n- Walnut: *3*", model: echo });
    const { answer } = await call("POST", `/v1/conversations/${id}/messages/${message.id}/retry`, { model: plain });
    await until(async () => (await call("GET", `/v1/conversations/${id}/messages`)).data.some((one) => one.id === answer.id && one.status === "completed"));
  });
  await made(call, "The ferry to Tinos", (id) => saidAndAnswered(call, id, { text: FERRY, model: plain }));
  const remembered = await made(call, "Off to the islands", (id) => saidAndAnswered(call, id, { text: "When does the ferry to Tinos leave?", model: plain }));
  const talk = {
    compared,
    remembered,
    rich: await echoing("Lisbon in April", RICH),
    chinese: await echoing("清明去泉州", CHINESE),
    arabic: await echoing("رحلة إلى لشبونة", ARABIC),
    hostile: await echoing("Hostile <img src=x onerror=alert(1)>", HOSTILE),
    branched,
  };
  await call("POST", `/v1/conversations/${talk.rich}`, { pinned: true });
  talk.link = (await call("POST", `/v1/conversations/${branched}/shares`, { with: "link" })).url;
  return talk;
}
