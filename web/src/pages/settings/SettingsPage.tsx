// Settings: its parts under one head, each with its own address. What a role may not change it doesn't see.
import { Link, Navigate, useLocation, useParams } from "@tanstack/react-router";
import { lazy, Suspense, type ComponentType } from "react";
import { useMe } from "../../api/session";
import { useText } from "../../i18n";
import { Loading } from "../../parts/faces";
import { partsOf, type Part } from "../../shell/places";
import { useTitle } from "../../shell/title";
import { Missing } from "../Missing";

const BODIES: Record<Part, ComponentType> = {
  models: lazy(() => import("./Models")),
  keys: lazy(() => import("./Keys")),
  people: lazy(() => import("./People")),
  budgets: lazy(() => import("./Budgets")),
  server: lazy(() => import("./Server")),
  changes: lazy(() => import("./Changes")),
  you: lazy(() => import("./You")),
};

const Arrived = lazy(() => import("./Arrived"));

function OnArrival() {
  return useLocation().state.arrived ? (
    <Suspense>
      <Arrived />
    </Suspense>
  ) : null;
}

/** On a phone the names of the parts are wider than the screen. */
function intoView(name: HTMLElement | null): void {
  name?.scrollIntoView({ block: "nearest", inline: "center" });
}

export function SettingsPage() {
  const { t } = useText();
  const me = useMe();
  const { part } = useParams({ strict: false });
  const parts = partsOf(me.role);
  const here = parts.find((one) => one === part);
  useTitle(here ? `${t(`settings.${here}`)}, ${t("nav.settings")}` : t("nav.settings"));
  if (!part) return <Navigate to="/settings/$part" params={{ part: parts[0] ?? "you" }} replace />;
  if (!here) return <Missing />;
  const Body = BODIES[here];
  return (
    <>
      <header className="head">
        <h1>{t("nav.settings")}</h1>
        <nav className="tabs end" aria-label={t("nav.settings")}>
          {parts.map((one) => (
            <Link
              key={one}
              ref={one === here ? intoView : undefined}
              to="/settings/$part" params={{ part: one }} activeProps={{}} aria-current={one === here ? "page" : undefined}>
              {t(`settings.${one}`)}
            </Link>
          ))}
        </nav>
      </header>
      <OnArrival />
      <div className="settings">
        <Suspense fallback={<Loading />}>
          <Body />
        </Suspense>
      </div>
    </>
  );
}
