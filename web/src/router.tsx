// The addresses of the app. Each page is a chunk of its own; what does not exist is not listed. A shared conversation (/shared#TOKEN) is for
// strangers too, so the frame shows it before it asks who is there.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Navigate, useRouterState } from "@tanstack/react-router";
import { Frame } from "./shell/Frame";
import { Missing } from "./pages/Missing";
import type { SpanKind } from "./format/span";

const root = createRootRoute({ component: Frame, notFoundComponent: Missing });

const home = createRoute({ getParentRoute: () => root, path: "/", component: () => <Navigate to="/talk/{-$id}" params={{ id: undefined }} replace /> });
const enter = createRoute({ getParentRoute: () => root, path: "/enter", component: Elsewhere });

/** Nobody stays at /enter without a link; whoever just came in by one is on the way already. */
function Elsewhere() {
  const leaving = useRouterState({ select: (state) => state.location.pathname !== "/enter" });
  return leaving ? null : <Navigate to="/" replace />;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value ? value : undefined);
const one = <T extends string>(value: unknown, ...of: T[]): T | undefined => of.find((each) => each === value);

export interface TalkSearch {
  at?: string | undefined; // the message that was found
}
const talk = createRoute({
  getParentRoute: () => root,
  path: "/talk/{-$id}",
  validateSearch: (search: Record<string, unknown>): TalkSearch => ({ at: text(search.at) }),
  component: lazyRouteComponent(() => import("./pages/talk/TalkPage"), "TalkPage"),
});
const shared = createRoute({ getParentRoute: () => root, path: "/shared", component: Missing });

export interface UseSearch {
  span?: SpanKind | undefined;
  at?: string | undefined; // a day in the span
  unit?: "tokens" | undefined;
  by?: "key" | "owner" | undefined; // what the bars are parted by; models if not said
}

const use = createRoute({
  getParentRoute: () => root,
  path: "/use",
  validateSearch: (search: Record<string, unknown>): UseSearch => ({
    span: one(search.span, "week", "month", "year"),
    at: text(search.at),
    unit: one(search.unit, "tokens"),
    by: one(search.by, "key", "owner"),
  }),
  component: lazyRouteComponent(() => import("./pages/use/UsePage"), "UsePage"),
});

export interface CallsSearch {
  bar?: string | undefined; // "2026-11-25" or "2026-11"
  from?: string | undefined;
  to?: string | undefined;
  model?: string | undefined;
  provider?: string | undefined;
  key?: string | undefined;
  owner?: string | undefined;
}
const calls = createRoute({
  getParentRoute: () => root,
  path: "/use/calls",
  validateSearch: (search: Record<string, unknown>): CallsSearch => ({
    bar: text(search.bar),
    from: text(search.from),
    to: text(search.to),
    model: text(search.model),
    provider: text(search.provider),
    key: text(search.key),
    owner: text(search.owner),
  }),
  component: lazyRouteComponent(() => import("./pages/use/CallsPage"), "CallsPage"),
});
const call = createRoute({
  getParentRoute: () => root,
  path: "/use/calls/$id",
  component: lazyRouteComponent(() => import("./pages/use/CallPage"), "CallPage"),
});
const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings/SettingsPage"), "SettingsPage"),
});
const settingsPart = createRoute({
  getParentRoute: () => root,
  path: "/settings/$part",
  component: lazyRouteComponent(() => import("./pages/settings/SettingsPage"), "SettingsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([home, enter, talk, shared, use, calls, call, settings, settingsPart]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
  interface HistoryState {
    arrived?: boolean; // just now, by the first link
  }
}
