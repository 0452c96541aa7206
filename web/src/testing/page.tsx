// For tests of what is drawn: a part of the app on a page of its own, signed in, over a server whose answers the test gives. Import it before
// anything else: the client takes hold of `fetch` when it is loaded.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { vi } from "vitest";
import type { Person } from "../api/people";

export interface Asked {
  method: string;
  path: string;
  body: unknown;
}
type Answer = (asked: Asked) => unknown; // what is thrown is a refusal: [status, code]

let answer: Answer = () => ({});
export const asked: Asked[] = [];

globalThis.fetch = async (input: RequestInfo | URL) => {
  const request = input as Request;
  const { pathname, search } = new URL(request.url);
  const text = request.method === "GET" ? "" : await request.text();
  const one = { method: request.method, path: pathname + search, body: text ? (JSON.parse(text) as unknown) : undefined };
  asked.push(one);
  const told = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  try {
    return told(200, await answer(one));
  } catch (refusal) {
    if (!Array.isArray(refusal)) throw refusal;
    return told(Number(refusal[0]), { error: { code: String(refusal[1]), message: "refused by the test" } });
  }
};

const ANNA: Person = { id: "usr_anna", name: "Anna", email: "", role: "owner", disabled: false, time_zone: null, teams: [], status: "active", last_seen_at: null };
const NOTHING = () => null;
let root: Root | undefined;

export async function drawn(part: ReactNode, server: Answer = () => ({})): Promise<HTMLElement> {
  leave();
  answer = server;
  asked.length = 0;
  // What it stands in comes here, after `fetch` was taken.
  const [{ SignedIn }, { Languages }] = await Promise.all([import("../api/session"), import("../i18n")]);
  const place = document.body.appendChild(document.createElement("main"));
  const top = createRootRoute({ component: () => <>{part}</> });
  const pages = ["/talk/{-$id}", "/use/calls/$id", "/settings/$part"].map((path) => createRoute({ getParentRoute: () => top, path, component: NOTHING }));
  const router = createRouter({ routeTree: top.addChildren(pages), history: createMemoryHistory({ initialEntries: ["/talk"] }) });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  root = createRoot(place);
  root.render(
    <QueryClientProvider client={queries}>
      <Languages>
        <SignedIn person={ANNA}>
          <RouterProvider router={router as never} />
        </SignedIn>
      </Languages>
    </QueryClientProvider>,
  );
  return place;
}

export function leave(): void {
  root?.unmount();
  root = undefined;
  document.body.replaceChildren();
}

const LONGEST_MS = 15_000; // no test passes or fails by how fast a machine is
vi.setConfig({ testTimeout: 4 * LONGEST_MS });

/** What comes of it, once it holds. */
export function eventually<T>(holds: () => T): Promise<T> {
  return vi.waitFor(holds, { timeout: LONGEST_MS, interval: 10 });
}

/** What has this role or tag and is called so: by its label, else by its words. */
export function called<T extends HTMLElement = HTMLElement>(selector: string, name: string | RegExp, within: ParentNode = document): T {
  const nameOf = (one: Element) => (one.getAttribute("aria-label") ?? one.textContent ?? "").trim();
  const all = [...within.querySelectorAll<T>(selector)];
  const found = all.find((one) => (typeof name === "string" ? nameOf(one) === name : name.test(nameOf(one))));
  if (!found) throw new Error(`no ${selector} is called ${String(name)}: ${all.map(nameOf).join(" | ")}`);
  return found;
}

export function typeInto(field: HTMLTextAreaElement, text: string): void {
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")?.set?.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export function press(on: Element, key: string, more: KeyboardEventInit = {}): void {
  on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}
