// One connection to /v1/events for all tabs of this browser. Tabs attach by a port; what comes is told to each. The last seq is kept, so
// that a connection that was lost goes on where it was.
/// <reference lib="webworker" />
import { EventLine, type FromLine } from "./line";

declare const self: SharedWorkerGlobalScope;

const ports = new Set<MessagePort>();
let last: FromLine | undefined;

const line = new EventLine((told) => {
  if (told.type === "state") last = told;
  for (const port of ports) port.postMessage(told);
});

self.onconnect = ({ ports: [port] }) => {
  if (!port) return;
  ports.add(port);
  port.onmessage = ({ data }: MessageEvent<string>) => {
    if (data === "again") line.again();
    if (data === "close") ports.delete(port);
    if (data === "close" && ports.size === 0) line.close();
  };
  if (last) port.postMessage(last);
  line.open();
};
