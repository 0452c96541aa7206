// Memory for mock.mjs, as simple as will do to see the page: a piece is a question and its answer, found by a word of five letters or more.

const MOST = 3;
const wordsOf = (text) => new Set(text.toLowerCase().match(/\p{L}{5,}/gu) ?? []);

/** What an answer to `asked` is given, out of every conversation but its own. */
export function recalled(life, conversation, asked, { memory, without = [] }) {
  const off = memory === false ? "asked" : conversation.remember === false ? "conversation" : life.values.memory === false ? "settings" : conversation.shared ? "shared" : null;
  if (off) return { given: [], without, off };
  const wanted = wordsOf(asked);
  const given = [];
  for (const one of [...life.messages.values()].reverse()) {
    const of = life.conversations.get(one.conversation);
    if (one.role !== "user" || one.conversation === conversation.id || !of || of.hidden || of.remember === false || without.includes(one.id)) continue;
    if (![...wordsOf(one.text)].some((word) => wanted.has(word))) continue;
    given.push({ id: one.id, conversation: one.conversation, messages: [one.id, ...life.children(one.id, one.conversation).map((each) => each.id).slice(0, 1)], why: ["words"] });
    if (given.length === MOST) break;
  }
  return { given, without, off: null };
}

/** What the model was told; a conversation that is deleted takes its pieces along. */
export function toldBefore(life, answer) {
  const memory = (answer.memory?.given ?? []).map((piece) => {
    const of = life.conversations.get(piece.conversation);
    const messages = of?.hidden ? [] : piece.messages.map((each) => life.messages.get(each)).filter(Boolean);
    return {
      id: piece.id,
      conversation: piece.conversation,
      title: messages.length ? of.title : null,
      created_at: messages[0]?.created_at ?? answer.created_at,
      why: piece.why,
      messages: messages.map(({ id, role, created_at, text }) => ({ id, role, created_at, text })),
      gone: messages.length === 0,
    };
  });
  const lines = memory.flatMap((piece) => piece.messages.map((each) => `${each.role}: ${each.text}`));
  const before = lines.length ? [{ role: "system", text: `What was said before, in other conversations:\n\n${lines.join("\n")}` }] : [];
  return { object: "talk.told", model: answer.model, messages: [...before, ...life.path(answer.parent).map(({ role, text }) => ({ role, text }))], left_out: 0, memory };
}
