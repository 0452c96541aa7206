// Lays out a diagram away from the page: a large one takes its time, and one that never ends can be stopped.
/// <reference lib="webworker" />

import { chartOf } from "./charts";
import { Unread } from "./plan";

declare const self: DedicatedWorkerGlobalScope;

// The layout engine takes a place without a document for a worker of its own kind, and then offers nothing to call. So while it starts,
// which it does with the first diagram, there is one in name; and it sets `self`, which here may only be read, so there is one that may be set.
async function load(): Promise<typeof import("beautiful-mermaid")> {
  Object.defineProperty(globalThis, "self", { value: globalThis, writable: true, configurable: true });
  Object.assign(globalThis, { document: {} });
  try {
    const drawing = await import("beautiful-mermaid");
    drawing.renderMermaidSVG("graph TD\n A --> B");
    return drawing;
  } finally {
    Reflect.deleteProperty(globalThis, "document");
  }
}
let loading: ReturnType<typeof load> | undefined;

async function drawn(source: string): Promise<string> {
  const own = chartOf(source);
  if (own !== undefined) return own;
  loading ??= load();
  return (await loading).renderMermaidSVG(source);
}

self.onmessage = ({ data }: MessageEvent<{ id: number; source: string }>) => {
  void drawn(data.source)
    .then((svg) => self.postMessage({ id: data.id, svg }))
    .catch((error: unknown) => self.postMessage({ id: data.id, ...(error instanceof Unread ? { why: error.why, text: error.text.slice(0, 80) } : { why: "kind" }) }));
};
