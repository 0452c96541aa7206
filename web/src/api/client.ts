// The one way to the server: a client typed by the OpenAPI document. It adds the session's CSRF token to what changes something, turns
// refusals into ApiError, and tells whoever listens when the session has ended or the server can't be reached.
import createClient, { type Middleware } from "openapi-fetch";
import { ApiError, errorOf } from "./errors";
import type { paths } from "./schema";

let csrfToken = "";
let person = "";
export function setSignedIn(token: string, id: string): void {
  csrfToken = token;
  person = id;
}
/** Whose session the next call goes out under; "" for nobody's. */
export function signedInAs(): string {
  return person;
}
/** For the one kind of request that is not made here: an upload, whose progress only XMLHttpRequest tells. */
export function csrfHeaders(): Record<string, string> {
  return csrfToken ? { "x-steward-csrf": csrfToken } : {};
}

type Happening = "session_ended" | "unreachable" | "reached";
const listeners = new Set<(happening: Happening) => void>();
export function onHappening(listener: (happening: Happening) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
function tell(happening: Happening): void {
  for (const listener of listeners) listener(happening);
}

const middleware: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET" && csrfToken) request.headers.set("x-steward-csrf", csrfToken);
    return request;
  },
  async onResponse({ response }) {
    tell("reached");
    if (response.ok) return undefined;
    const error = errorOf(await response.json().catch(() => null), response);
    if (error.status === 401 && error.code === "session_ended") tell("session_ended");
    throw error;
  },
  onError() {
    tell("unreachable");
    return new ApiError(0, "offline", "The server can't be reached.");
  },
};

export const api = createClient<paths>({ baseUrl: "", cache: "no-store" });
api.use(middleware);

/** The body of an answer that is not an error; openapi-fetch types it as possibly missing. */
export async function body<T>(answer: Promise<{ data?: T | undefined }>): Promise<NonNullable<T>> {
  const { data } = await answer;
  if (data === undefined || data === null) throw new ApiError(0, "unknown", "The server answered nothing.");
  return data as NonNullable<T>;
}

/** Every row of a list, page after page. */
export async function allPages<T>(page: (cursor: string | undefined) => Promise<{ data: T[]; next_cursor: string | null }>): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    const got = await page(cursor);
    rows.push(...got.data);
    cursor = got.next_cursor ?? undefined;
  } while (cursor);
  return rows;
}
