// Calls whose answers are typed by hand, beside the client that the OpenAPI document types: same session, same errors.
import { api } from "./client";

export type Method = "get" | "post" | "put" | "patch" | "delete";
type Loose = (method: Method, path: string, init: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal }) => Promise<{ data?: unknown }>;

export async function call<T>(method: Method, path: string, body?: unknown, more: { headers?: Record<string, string>; signal?: AbortSignal | undefined } = {}): Promise<T> {
  const request = api.request as unknown as Loose;
  const { data } = await request(method, path, {
    ...(body === undefined ? {} : { body }),
    ...(more.headers ? { headers: more.headers } : {}),
    ...(more.signal ? { signal: more.signal } : {}),
  });
  return data as T;
}

/** "?a=1&b=2" of what is said; what is undefined or empty is left out. */
export function asked(given: Record<string, string | number | boolean | null | undefined>): string {
  const said = Object.entries(given).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}
