// The text of an answer while it is written: pieces come with the place where they belong, over a line that may break, repeat itself or
// leave something out. Pieces are put together at once and told once a frame, however many came.
import type { Delta } from "../../../live/line";

export interface Parts {
  text: string;
  reasoning: string;
  attempt?: number | undefined; // a later one begins with what the server kept: what was heard beyond that is gone
}
export type Fits = "appended" | "known" | "gap";

/** Puts a piece where it belongs. "known": it was there already; "gap": something before it is missing. */
export function withPiece(text: string, offset: number, piece: string): { text: string; fits: Fits } {
  if (offset > text.length) return { text, fits: "gap" };
  const fresh = piece.slice(text.length - offset);
  return fresh === "" ? { text, fits: "known" } : { text: text + fresh, fits: "appended" };
}

type Watcher = () => void;
type Schedule = (act: () => void) => void;

const HIDDEN_MS = 250; // a tab that nobody sees has no frames

export function nextFrame(act: () => void): void {
  if (typeof document !== "undefined" && document.visibilityState === "visible") requestAnimationFrame(act);
  else setTimeout(act, HIDDEN_MS);
}

/** Every text that is being written in one conversation, by its message. */
export class Growing {
  private readonly parts = new Map<string, Parts>();
  private readonly watchers = new Map<string, Set<Watcher>>();
  private readonly changed = new Set<string>();
  private scheduled = false;

  constructor(private readonly schedule: Schedule = nextFrame) {}

  of(message: string): Parts | undefined {
    return this.parts.get(message);
  }

  /** What the server told of the message as a whole; within one attempt text only grows, so the longer of both is the newer. */
  know(message: string, told: Parts): void {
    const before = this.parts.get(message);
    const attempt = told.attempt ?? before?.attempt;
    if (before?.attempt !== undefined && attempt !== undefined && attempt < before.attempt) return; // an answer from before
    const had = before && before.attempt === attempt ? before : undefined;
    const next = { text: longer(had?.text, told.text), reasoning: longer(had?.reasoning, told.reasoning), attempt };
    if (had && had.text === next.text && had.reasoning === next.reasoning) return;
    this.parts.set(message, next);
    this.tell(message);
  }

  forget(message: string): void {
    this.parts.delete(message);
  }

  hear(delta: Pick<Delta, "message" | "attempt" | "part" | "offset" | "text">): Fits {
    const had = this.parts.get(delta.message);
    if (!had) return "gap"; // not known yet: the message itself is asked for
    if (delta.attempt !== undefined && delta.attempt !== had.attempt) return "gap"; // it was begun anew meanwhile
    const { text, fits } = withPiece(had[delta.part], delta.offset, delta.text);
    if (fits !== "appended") return fits;
    this.parts.set(delta.message, { ...had, [delta.part]: text });
    this.tell(delta.message);
    return fits;
  }

  watch(message: string, watcher: Watcher): () => void {
    const all = this.watchers.get(message) ?? new Set();
    this.watchers.set(message, all);
    all.add(watcher);
    return () => all.delete(watcher);
  }

  private tell(message: string): void {
    this.changed.add(message);
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => {
      this.scheduled = false;
      const told = [...this.changed];
      this.changed.clear();
      for (const one of told) for (const watcher of this.watchers.get(one) ?? []) watcher();
    });
  }
}

function longer(had: string | undefined, told: string): string {
  return had !== undefined && had.length > told.length ? had : told;
}
