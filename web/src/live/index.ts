// Live screens: what the server's events say is out of date is asked for anew. All tabs share one connection: a SharedWorker holds it;
// where there is none, the tab that gets a lock holds it and tells the others over a BroadcastChannel.
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { EventLine, type FromLine, type LineState } from "./line";

/** Which screens a kind of record touches: the first word of their query keys. */
export function touched(kind: string): string[] {
  const [head] = kind.split(".");
  switch (head) {
    case "conversation":
    case "share":
      return ["conversations", "conversation"];
    case "project":
      return ["projects", "conversations"];
    case "call":
      return ["usage", "calls", "budgets"];
    case "budget":
      return ["budgets", "changes"];
    case "key":
      return ["keys", "changes"];
    case "setting":
      return ["config", "providers", "models", "changes"];
    case "price":
      return ["models", "changes"];
    case "person":
      return ["people", "session", "preferences"];
    case "link":
    case "credential":
      return ["people", "invitations", "changes"];
    case "session":
      return ["people", "sessions"];
    case "principal":
    case "group":
      return ["people", "principals", "session", "changes"];
    default:
      return [];
  }
}

interface LiveState {
  state: LineState;
  retryAt: number;
}

let current: LiveState = { state: "open", retryAt: 0 };
const watchers = new Set<() => void>();
let sendAgain: () => void = () => undefined;

export function useLine(): LiveState {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => current,
  );
}

export function tryAgain(): void {
  sendAgain();
}

type Hearer = (told: FromLine | { type: "back" }) => void;
const hearers = new Set<Hearer>();

/** Hears all that the line tells, as it comes; "back": it was away, so something may have been missed. */
export function onLine(hearer: Hearer): () => void {
  hearers.add(hearer);
  return () => hearers.delete(hearer);
}

const SETTLE_MS = 400; // many records at once make one round of questions

/** Starts the line; the answer ends this tab's part in it. */
export function startLive(queries: QueryClient): () => void {
  const stale = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const refresh = () => {
    timer = undefined;
    for (const name of stale) void queries.invalidateQueries({ queryKey: [name] });
    stale.clear();
  };
  const hear = (told: FromLine) => {
    for (const hearer of hearers) hearer(told);
    if (told.type === "delta" || told.type === "answer") return;
    if (told.type === "state") {
      const wasAway = current.state === "waiting" && told.state === "open";
      if (wasAway) for (const hearer of hearers) hearer({ type: "back" });
      current = { state: told.state, retryAt: told.retryAt };
      for (const watcher of watchers) watcher();
      if (wasAway) void queries.invalidateQueries();
      if (told.state === "ended") void queries.invalidateQueries({ queryKey: ["session"] });
      return;
    }
    if (told.type === "reset") return void queries.invalidateQueries();
    for (const name of touched(told.kind)) stale.add(name);
    if (stale.size > 0) timer ??= setTimeout(refresh, SETTLE_MS);
  };
  const end = typeof SharedWorker === "function" ? overWorker(hear) : overChannel(hear);
  return () => {
    clearTimeout(timer);
    end();
  };
}

function overWorker(hear: (told: FromLine) => void): () => void {
  const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: "steward-events" });
  worker.port.onmessage = ({ data }: MessageEvent<FromLine>) => hear(data);
  sendAgain = () => worker.port.postMessage("again");
  const leave = () => worker.port.postMessage("close");
  addEventListener("pagehide", leave);
  return () => {
    removeEventListener("pagehide", leave);
    leave();
    worker.port.close();
  };
}

function overChannel(hear: (told: FromLine) => void): () => void {
  const channel = new BroadcastChannel("steward-events");
  const gone = new AbortController();
  let line: EventLine | undefined;
  channel.onmessage = ({ data }: MessageEvent<FromLine | "again">) => {
    if (data === "again") line?.again();
    else hear(data);
  };
  sendAgain = () => (line ? line.again() : channel.postMessage("again"));
  const hold = () =>
    new Promise<void>((free) => {
      line = new EventLine((told) => {
        channel.postMessage(told);
        hear(told);
      });
      line.open();
      gone.signal.addEventListener("abort", () => {
        line?.close();
        free();
      });
    });
  navigator.locks.request("steward-events", { signal: gone.signal }, hold).catch(() => undefined);
  return () => {
    gone.abort();
    channel.close();
  };
}
