// What Talk keeps while the app is open, whichever page is shown: what was typed, what is on its way, the conversations that are open, and
// what was just deleted. One for each person who signs in here.
import { signedInAs } from "../../api/client";
import { talk, type Conversation, type Message } from "../../api/talk";
import { onLine } from "../../live";
import { Kept } from "./thread/kept";
import { Outbox } from "./thread/outbox";
import { Thread } from "./thread/thread";

const OPEN_THREADS = 5;
export const UNDO_MS = 30_000;

export interface Deleted {
  id: string;
  title: string;
  until: number;
}

export class World {
  readonly kept: Kept;
  readonly outbox: Outbox;
  answered: (message: Message) => void = () => undefined;
  private readonly threads = new Map<string, Thread>();
  private readonly deaf: () => void;
  private deleted: Deleted | undefined;
  private which = ""; // conversations that are listed: "", "p:proj_…", "f:a folder", "archived"
  private readonly watchers = new Set<() => void>();

  constructor(person: string) {
    this.kept = new Kept(`steward.${person}`);
    this.outbox = new Outbox(
      this.kept,
      ({ message, answer }, of) => this.threads.get(of.conversation)?.put([message, answer]),
      talk,
      () => signedInAs() === person,
    );
    void this.outbox.load();
    this.deaf = onLine((told) => {
      if (told.type === "back" || (told.type === "state" && told.state === "open")) this.outbox.again();
      for (const thread of this.threads.values()) thread.hear(told);
    });
    addEventListener("online", () => this.outbox.again());
  }

  /** Nothing of theirs goes on once somebody else is here. */
  end(): void {
    this.deaf();
    this.outbox.end();
    for (const thread of this.threads.values()) thread.close();
  }

  thread(id: string): Thread {
    const had = this.threads.get(id);
    if (had) {
      this.threads.delete(id); // the newest last
      this.threads.set(id, had);
      return had;
    }
    const made = new Thread(id, talk, (message) => this.answered(message));
    this.threads.set(id, made);
    for (const [old, thread] of this.threads) {
      if (this.threads.size <= OPEN_THREADS) break;
      thread.close();
      this.threads.delete(old);
    }
    return made;
  }

  forget(id: string): void {
    this.threads.get(id)?.close();
    this.threads.delete(id);
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
  lastDeleted = (): Deleted | undefined => this.deleted;

  listed = (): string => this.which;
  list(which: string): void {
    this.which = which;
    for (const watcher of this.watchers) watcher();
  }

  /** Hidden at once; for a while it can be taken back. */
  async remove(one: Pick<Conversation, "id">, title: string): Promise<void> {
    await talk.remove(one.id);
    this.tellDeleted({ id: one.id, title, until: Date.now() + UNDO_MS });
  }

  async restore(): Promise<string | undefined> {
    const one = this.deleted;
    if (!one) return undefined;
    await talk.restore(one.id);
    this.forget(one.id);
    this.tellDeleted(undefined);
    return one.id;
  }

  tellDeleted(one: Deleted | undefined): void {
    this.deleted = one;
    for (const watcher of this.watchers) watcher();
  }
}

const worlds = new Map<string, World>();

export function worldOf(person: string): World {
  const had = worlds.get(person);
  if (had) return had;
  for (const [other, world] of worlds) {
    world.end();
    worlds.delete(other);
  }
  const made = new World(person);
  worlds.set(person, made);
  return made;
}
