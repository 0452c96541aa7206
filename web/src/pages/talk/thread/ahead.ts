// The newest messages of the conversation that an address names, asked for before the app is drawn: together with the session, and not only
// once the page stands. Whoever opens the conversation first takes them; what came of it before anybody asked costs nothing.
import type { Message, Page } from "../../../api/talk";

/** How many messages a conversation opens with: more than a tall window shows. Those before come as one goes up. */
export const FIRST = 16;

interface Ahead {
  conversation: string;
  messages: Promise<Page<Message> | undefined>;
}

let ahead: Ahead | undefined;

/** The conversation whose end an address shows; one that leads to a place in it is asked for by the page. */
export function conversationIn({ pathname, search }: Pick<Location, "pathname" | "search">): string | undefined {
  return search === "" ? /^\/talk\/(conv_[0-9A-Z]{26})$/.exec(pathname)?.[1] : undefined;
}

export function askAhead(conversation: string, ask: (id: string, where: { limit: number }) => Promise<Page<Message>>): void {
  ahead = { conversation, messages: ask(conversation, { limit: FIRST }).catch(() => undefined) };
}

/** What was asked for ahead, once; undefined where nothing was, or where it failed and is to be asked for again. */
export async function takeAhead(conversation: string): Promise<Page<Message> | undefined> {
  const had = ahead;
  ahead = undefined; // older with every moment: for the first who asks alone
  return had?.conversation === conversation ? had.messages : undefined;
}
