// Messages on their way. Each is kept in this browser before it is sent, under an id made here, and goes away only when the server has said
// that it has it: a lost line, a closed tab or a restarted server costs a repeat, never a word. One conversation's go in their order.
import { asApiError } from "../../../api/errors";
import { talk, type Attachment, type Beginning, type Choice, type Message } from "../../../api/talk";
import type { Kept } from "./kept";

export interface Waiting extends Choice {
  id: string; // of the message
  conversation: string;
  make?: Beginning | undefined; // the conversation is made first
  parent?: string | null | undefined;
  text: string;
  attachments: Attachment[];
  at: number; // unix milliseconds
  state: "sending" | "waiting" | "refused";
  why?: string | undefined; // of a refusal, in the server's words
  code?: string | undefined; // and by its code
  details?: Record<string, unknown> | undefined;
}

type Server = Pick<typeof talk, "make" | "say">;
type Told = (sent: { message: Message; answer: Message | null }, of: Waiting) => void;

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const PREFIX = "out.";

/** Whether it may help to send it again: nobody was there, or it was not their moment. */
export function passes(status: number): boolean {
  return status === 0 || status >= 500 || status === 408 || status === 425 || status === 429 || status === 401;
}

export class Outbox {
  private all: readonly Waiting[] = [];
  private readonly watchers = new Set<() => void>();
  private readonly busy = new Set<string>(); // conversations
  private pause = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ended = false;

  constructor(
    private readonly kept: Kept,
    private readonly told: Told,
    private readonly server: Server = talk,
    private readonly mayRun: () => boolean = () => true, // whoever wrote it is signed in
  ) {}

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
  snapshot = (): readonly Waiting[] => this.all;

  /** What an earlier tab left, sent now. */
  async load(): Promise<void> {
    for (const key of await this.kept.keys()) {
      if (!key.startsWith(PREFIX)) continue;
      const one = await this.kept.get<Waiting>(key);
      if (one && !this.all.some((had) => had.id === one.id)) this.set([...this.all, one.state === "refused" ? one : { ...one, state: "waiting" }]);
    }
    this.set([...this.all].sort((a, b) => a.at - b.at));
    this.again();
  }

  async send(one: Omit<Waiting, "state" | "at">, now: number = Date.now()): Promise<void> {
    const entry: Waiting = { ...one, at: now, state: "sending" };
    this.set([...this.all, entry]);
    await this.kept.set(PREFIX + entry.id, entry);
    await this.run(entry.conversation);
  }

  /** At once, whatever pause is left. */
  again(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const conversation of new Set(this.all.map((one) => one.conversation))) void this.run(conversation);
  }

  /** A refused one, once more. */
  retry(id: string): void {
    this.change(id, { state: "waiting", why: undefined });
    this.again();
  }

  /** Takes one back that is not on its way; what it said is the answer. */
  async takeBack(id: string): Promise<Waiting | undefined> {
    const one = this.all.find((had) => had.id === id);
    if (!one || one.state === "sending") return undefined;
    await this.drop(one);
    return one;
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  private async run(conversation: string): Promise<void> {
    if (this.busy.has(conversation)) return;
    this.busy.add(conversation);
    try {
      for (;;) {
        const next = this.all.find((one) => one.conversation === conversation);
        if (!next || next.state === "refused" || this.ended || !this.mayRun()) return;
        if (!(await this.trySending(next))) return;
      }
    } finally {
      this.busy.delete(conversation);
    }
  }

  /** Whether the next one may follow. */
  private async trySending(one: Waiting): Promise<boolean> {
    this.change(one.id, { state: "sending" });
    try {
      if (one.make) await this.server.make(one.conversation, one.make);
      const sent = await this.server.say(one.conversation, {
        id: one.id,
        ...(one.parent === undefined ? {} : { parent: one.parent }),
        text: one.text,
        attachments: one.attachments.map((each) => each.id),
        ...(one.route ? { route: one.route } : one.model ? { model: one.model } : {}),
        answer: true,
      });
      this.pause = FIRST_PAUSE_MS;
      this.told(sent, one);
      await this.drop(one);
      return true;
    } catch (error) {
      const why = asApiError(error);
      if (passes(why.status)) {
        this.change(one.id, { state: "waiting" });
        this.later();
      } else {
        this.change(one.id, { state: "refused", why: why.message, code: why.code, details: why.details });
        const now = this.all.find((had) => had.id === one.id);
        if (now) await this.kept.set(PREFIX + one.id, now);
      }
      return false;
    }
  }

  private later(): void {
    if (this.timer !== undefined || this.ended) return;
    this.timer = setTimeout(() => this.again(), this.pause);
    this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2);
  }

  private async drop(one: Waiting): Promise<void> {
    this.set(this.all.filter((had) => had.id !== one.id));
    await this.kept.remove(PREFIX + one.id);
  }

  private change(id: string, change: Partial<Waiting>): void {
    this.set(this.all.map((one) => (one.id === id ? { ...one, ...change } : one)));
  }

  private set(all: readonly Waiting[]): void {
    this.all = all;
    for (const watcher of this.watchers) watcher();
  }
}
