// The connection itself: an EventSource that is opened again with growing pauses after it broke, from the last seq that was seen.

export type LineState = "open" | "waiting" | "ended";
export type FromLine =
  | { type: "record"; kind: string; stream: string; seq: number }
  | { type: "reset" }
  | Delta
  | { type: "answer"; conversation: string; message: string; status: string }
  | { type: "state"; state: LineState; retryAt: number };

/** A piece of an answer that is being written. Nobody keeps it: who misses one asks for the message. */
export interface Delta {
  type: "delta";
  conversation: string;
  message: string;
  attempt?: number; // which beginning of the answer it belongs to: a piece of another one fits nowhere
  part: "text" | "reasoning";
  offset: number; // UTF-16 units of that part before this piece
  text: string;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

interface Source {
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export class EventLine {
  private source: Source | undefined;
  private after: number | undefined;
  private pause = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly tell: (told: FromLine) => void,
    private readonly make: (address: string) => Source = (address) => new EventSource(address),
    private readonly now: () => number = Date.now,
  ) {}

  open(): void {
    if (this.source || this.timer !== undefined) return;
    this.connect();
  }

  /** At once, whatever pause is left. */
  again(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.source?.close();
    this.source = undefined;
    this.pause = FIRST_PAUSE_MS;
    this.connect();
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.source?.close();
    this.source = undefined;
  }

  private connect(): void {
    const source = this.make(`/v1/events${this.after === undefined ? "" : `?after=${this.after}`}`);
    this.source = source;
    const mine = (act: (event: MessageEvent<string>) => void) => (event: MessageEvent<string>) => {
      if (this.source === source) act(event);
    };
    source.addEventListener("open", mine(() => {
      this.pause = FIRST_PAUSE_MS;
      this.tell({ type: "state", state: "open", retryAt: 0 });
    }));
    source.addEventListener("record", mine((event) => {
      const record = JSON.parse(event.data) as { seq: number; kind: string; stream: string };
      this.after = record.seq;
      this.tell({ type: "record", kind: record.kind, stream: record.stream, seq: record.seq });
    }));
    source.addEventListener("reset", mine((event) => {
      this.after = (JSON.parse(event.data) as { seq: number }).seq;
      this.tell({ type: "reset" });
    }));
    source.addEventListener("delta", mine((event) => this.tell({ ...(JSON.parse(event.data) as Omit<Delta, "type">), type: "delta" })));
    source.addEventListener("state", mine((event) => {
      const told = JSON.parse(event.data) as { conversation: string; message: string; status: string };
      this.tell({ type: "answer", conversation: told.conversation, message: told.message, status: told.status });
    }));
    source.addEventListener("bye", mine((event) => {
      if ((JSON.parse(event.data) as { reason: string }).reason !== "session_ended") return;
      this.close();
      this.tell({ type: "state", state: "ended", retryAt: 0 });
    }));
    source.addEventListener("error", mine(() => this.broke()));
  }

  private broke(): void {
    this.source?.close();
    this.source = undefined;
    this.tell({ type: "state", state: "waiting", retryAt: this.now() + this.pause });
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.connect();
    }, this.pause);
    this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2);
  }
}
