// One conversation as it is open here: a window of the messages on its path, the newest unless one looks elsewhere, and the texts that are
// being written. The server holds the truth; this asks for windows of it, keeps what still holds, and hears the line in between.
import { asApiError, type ApiError } from "../../../api/errors";
import { talk, type Message, type Page } from "../../../api/talk";
import type { FromLine } from "../../../live/line";
import { FIRST, takeAhead } from "./ahead";
import { Growing, nextFrame } from "./growing";

export interface View {
  messages: readonly Message[]; // oldest first
  earlier: boolean; // there are more before the first
  later: boolean; // there are more after the last
  state: "loading" | "ready" | "broken";
  error?: ApiError | undefined;
  prepended: boolean; // this view has more at its head than the one before
}

type Source = Pick<typeof talk, "messages">;

const WINDOW = 50;
const ASK_AGAIN_MS = 150; // records come in flocks
const GAP_PAUSE_MS = 500;
const LOOK_AGAIN_MS = 1_500;

export const isOpen = (message: Message): boolean => message.status === "in_progress" || message.status === "queued";

/** The messages of two windows of one path: what the new one says holds, and what came before its first message stays if that was there. */
export function joined(had: readonly Message[], fresh: readonly Message[]): { messages: Message[]; kept: boolean } {
  const first = fresh[0];
  const at = first ? had.findIndex((one) => one.id === first.id) : -1;
  if (at < 0) return { messages: [...fresh], kept: false };
  // A message that did not change stays the same object, so that its row is not drawn again.
  const known = new Map(had.map((one) => [one.id, one]));
  return { messages: [...had.slice(0, at), ...fresh.map((one) => unchanged(known.get(one.id), one))], kept: true };
}

function unchanged(had: Message | undefined, fresh: Message): Message {
  return had && had.text.length === fresh.text.length && JSON.stringify(had) === JSON.stringify(fresh) ? had : fresh;
}

export class Thread {
  view: View = { messages: [], earlier: false, later: false, state: "loading", prepended: false };
  readonly growing: Growing;
  private readonly watchers = new Set<() => void>();
  private asking: Promise<void> | undefined;
  private askedAgain = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private gapAt = 0;
  private closed = false;

  constructor(
    readonly conversation: string,
    private readonly source: Source = talk,
    private readonly onEnded: (message: Message) => void = () => undefined,
    schedule: (act: () => void) => void = nextFrame,
  ) {
    this.growing = new Growing(schedule);
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
  snapshot = (): View => this.view;

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** One that is made only now: there is nothing to ask for. */
  begin(): void {
    if (this.view.state === "loading") this.set({ ...this.view, state: "ready" });
  }

  /** The newest window, or the one around a message. */
  async open(around?: string): Promise<void> {
    try {
      if (around) await this.openAround(around);
      else {
        const early = await takeAhead(this.conversation);
        this.take(early ?? (await this.source.messages(this.conversation, { limit: FIRST })), false);
        // What was said between that and the opening of the event line would be missed.
        if (early) setTimeout(() => void this.refresh(), LOOK_AGAIN_MS);
      }
    } catch (error) {
      this.broke(error);
    }
  }

  private async openAround(message: string): Promise<void> {
    const after = await this.source.messages(this.conversation, { at: message, after: message, limit: WINDOW });
    const next = after.data[0];
    const leaf = after.data[after.data.length - 1]?.id ?? message;
    const before = await this.source.messages(this.conversation, next ? { at: leaf, before: next.id, limit: WINDOW } : { at: message, limit: WINDOW });
    if (!before.data.some((one) => one.id === message)) throw new Error("not found");
    this.know([...before.data, ...after.data]);
    this.set({ messages: [...before.data, ...after.data], earlier: before.has_more, later: after.has_more, state: "ready", error: undefined, prepended: false });
  }

  async earlier(): Promise<void> {
    const first = this.view.messages[0];
    if (!first || !this.view.earlier) return;
    await this.once(async () => {
      const last = this.view.messages[this.view.messages.length - 1];
      const page = await this.source.messages(this.conversation, { at: last?.id, before: first.id, limit: WINDOW });
      if (this.view.messages[0]?.id !== first.id) return;
      this.know(page.data);
      this.set({ ...this.view, messages: [...page.data, ...this.view.messages], earlier: page.has_more, prepended: true });
    });
  }

  async later(): Promise<void> {
    const last = this.view.messages[this.view.messages.length - 1];
    if (!last || !this.view.later) return;
    await this.once(async () => {
      const page = await this.source.messages(this.conversation, { after: last.id, limit: WINDOW });
      if (this.view.messages[this.view.messages.length - 1]?.id !== last.id) return;
      this.know(page.data);
      this.set({ ...this.view, messages: [...this.view.messages, ...page.data], later: page.has_more, prepended: false });
    });
  }

  /** Asks for the newest window anew; while one is on its way, once more after it. */
  async refresh(): Promise<void> {
    if (this.closed) return;
    if (this.asking) {
      this.askedAgain = true;
      return this.asking;
    }
    await this.once(async () => {
      do {
        this.askedAgain = false;
        // As far up as is known, so that what is there stays.
        const page = await this.source.messages(this.conversation, { limit: Math.min(WINDOW, Math.max(FIRST, this.view.messages.length)) });
        if (!this.view.later) this.take(page, true);
      } while (this.askedAgain && !this.closed);
    });
  }

  refreshSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.refresh();
    }, ASK_AGAIN_MS);
  }

  /** What a call just told: it stands there before the line says so. */
  put(messages: readonly (Message | null | undefined)[]): void {
    const told = messages.filter((one): one is Message => Boolean(one));
    if (told.length === 0 || this.view.state !== "ready") return this.refreshSoon();
    let all = [...this.view.messages];
    for (const one of told) {
      const at = all.findIndex((had) => had.id === one.id);
      if (at >= 0) all[at] = one;
      else if (!one.parent || all[all.length - 1]?.id === one.parent) all.push(one);
      else {
        // A new version: what came after its parent is another branch now.
        const parent = all.findIndex((had) => had.id === one.parent);
        if (parent < 0) return this.refreshSoon();
        all = [...all.slice(0, parent + 1), one];
      }
    }
    this.know(told);
    this.set({ ...this.view, messages: all, prepended: false });
    this.refreshSoon(); // numbers of versions change with a new one
  }

  hear(told: FromLine | { type: "back" }): void {
    if (told.type === "back" || told.type === "reset") return this.refreshSoon();
    if (told.type === "record") {
      if (told.stream === `conversation/${this.conversation}`) this.refreshSoon();
      return;
    }
    if ((told.type !== "delta" && told.type !== "answer") || told.conversation !== this.conversation) return;
    if (told.type === "answer") return this.changed(told.message, told.status);
    if (this.growing.hear(told) === "gap" && Date.now() - this.gapAt > GAP_PAUSE_MS) {
      this.gapAt = Date.now();
      this.refreshSoon();
    }
  }

  private changed(message: string, status: string): void {
    const had = this.view.messages.find((one) => one.id === message);
    if (!had || status !== "in_progress") return this.refreshSoon();
    if (had.status === "in_progress") return;
    this.set({ ...this.view, messages: this.view.messages.map((one) => (one.id === message ? { ...one, status: "in_progress" } : one)), prepended: false });
  }

  private take(page: Page<Message>, keep: boolean): void {
    const { messages, kept } = keep ? joined(this.view.messages, page.data) : { messages: page.data, kept: false };
    const ended = this.view.messages.filter((one) => isOpen(one) && one.role === "assistant");
    const more = kept && messages.length > page.data.length;
    this.know(page.data);
    this.set({ messages, earlier: more ? this.view.earlier : page.has_more, later: false, state: "ready", error: undefined, prepended: false });
    for (const one of ended) {
      const now = messages.find((other) => other.id === one.id);
      if (now && !isOpen(now)) this.onEnded(now);
    }
  }

  private know(messages: readonly Message[]): void {
    for (const one of messages) {
      if (isOpen(one)) this.growing.know(one.id, { text: one.text, reasoning: one.reasoning ?? "", attempt: one.attempt });
      else this.growing.forget(one.id);
    }
  }

  private async once(act: () => Promise<void>): Promise<void> {
    if (this.asking) return this.asking;
    this.asking = act().catch((error: unknown) => this.broke(error));
    try {
      await this.asking;
    } finally {
      this.asking = undefined;
    }
  }

  private broke(error: unknown): void {
    const told = asApiError(error);
    // What is shown stays, unless it may not be seen any more.
    if (this.view.state === "ready" && told.status !== 404 && told.status !== 403) return;
    this.set({ ...this.view, state: "broken", error: told, prepended: false });
  }

  private set(view: View): void {
    if (this.closed) return;
    this.view = view;
    for (const watcher of this.watchers) watcher();
  }
}
