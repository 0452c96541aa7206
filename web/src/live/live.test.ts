import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { touched } from ".";
import { EventLine, type FromLine } from "./line";

class FakeSource {
  static made: FakeSource[] = [];
  closed = false;
  private readonly listeners = new Map<string, (event: MessageEvent<string>) => void>();
  constructor(readonly address: string) {
    FakeSource.made.push(this);
  }
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void) {
    this.listeners.set(type, listener);
  }
  close() {
    this.closed = true;
  }
  say(type: string, data?: unknown) {
    this.listeners.get(type)?.({ data: JSON.stringify(data) } as MessageEvent<string>);
  }
}

describe("the event line", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    FakeSource.made = [];
  });
  afterEach(() => vi.useRealTimers());
  const started = () => {
    const told: FromLine[] = [];
    const line = new EventLine((one) => told.push(one), (address) => new FakeSource(address), () => 0);
    line.open();
    return { line, told, latest: () => FakeSource.made[FakeSource.made.length - 1] as FakeSource };
  };

  it("goes on from the last record after it broke, with growing pauses", () => {
    const { told, latest } = started();
    expect(latest().address).toBe("/v1/events");
    latest().say("open");
    latest().say("record", { seq: 7, kind: "call.settled", stream: "call/x" });
    latest().say("error");
    expect(told.at(-1)).toEqual({ type: "state", state: "waiting", retryAt: 1000 });
    vi.advanceTimersByTime(1000);
    expect(latest().address).toBe("/v1/events?after=7");
    latest().say("error");
    expect(told.at(-1)).toEqual({ type: "state", state: "waiting", retryAt: 2000 });
  });
  it("hears no source that it has left", () => {
    const { line, told, latest } = started();
    const first = latest();
    line.again();
    first.say("record", { seq: 9, kind: "x", stream: "y" });
    expect(told).toEqual([]);
    expect(first.closed).toBe(true);
  });
  it("tells pieces of answers and their ends, which move no cursor", () => {
    const { told, latest } = started();
    latest().say("delta", { conversation: "conv_1", message: "msg_1", part: "text", offset: 3, text: "oak" });
    latest().say("state", { conversation: "conv_1", message: "msg_1", status: "completed" });
    expect(told).toEqual([
      { type: "delta", conversation: "conv_1", message: "msg_1", part: "text", offset: 3, text: "oak" },
      { type: "answer", conversation: "conv_1", message: "msg_1", status: "completed" },
    ]);
    latest().say("error");
    vi.advanceTimersByTime(1000);
    expect(latest().address).toBe("/v1/events");
  });
  it("stays ended once the session has", () => {
    const { told, latest } = started();
    latest().say("bye", { reason: "session_ended" });
    expect(told.at(-1)).toEqual({ type: "state", state: "ended", retryAt: 0 });
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.made).toHaveLength(1);
  });
});

describe("what a record touches", () => {
  it("is what shows it", () => {
    expect(touched("call.settled")).toContain("usage");
    expect(touched("key.revoked")).toContain("keys");
    expect(touched("setting.changed")).toContain("providers");
    expect(touched("conversation.placed")).toContain("conversations");
    expect(touched("project.changed")).toContain("projects");
    expect(touched("job.leased")).toEqual([]);
  });
});
