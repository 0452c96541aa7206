// A file on its way to the server, with its progress; it can be taken back at any moment.
import { csrfHeaders } from "../../../api/client";
import { ApiError, errorOf } from "../../../api/errors";
import { talk, type Attachment } from "../../../api/talk";

export interface Sending {
  done: Promise<Attachment>;
  abort: () => void;
}

export function upload(file: File, progress: (part: number) => void, make: () => XMLHttpRequest = () => new XMLHttpRequest()): Sending {
  const request = make();
  const done = new Promise<Attachment>((resolve, reject) => {
    request.open("POST", `/v1/attachments?name=${encodeURIComponent(file.name || "file")}`);
    request.responseType = "text";
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    for (const [name, value] of Object.entries(csrfHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / Math.max(1, event.total));
    request.onload = () => {
      const told = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300 && told) resolve(told as Attachment);
      else reject(errorOf(told, new Response(null, { status: request.status < 200 ? 500 : request.status, statusText: request.statusText })));
    };
    request.onerror = () => reject(new ApiError(0, "offline", "The server can't be reached."));
    request.onabort = () => reject(new ApiError(0, "taken_back", ""));
    request.send(file);
  });
  return { done, abort: () => request.abort() };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ASK_MS = 800;
const LONGEST_MS = 120_000;

/** Waits until what is in it was read; what takes too long is left to the server. */
export async function untilRead(one: Attachment, seen: (now: Attachment) => void, goesOn: () => boolean): Promise<void> {
  const began = Date.now();
  let now = one;
  while (now.state === "reading" && goesOn() && Date.now() - began < LONGEST_MS) {
    await new Promise((then) => setTimeout(then, ASK_MS));
    if (!goesOn()) return;
    now = await talk.attachment(one.id).catch(() => now);
    seen(now);
  }
}
