// What stands around every page: sign-in where nobody is signed in, else the rail, the page, the palette and the notices.
import { Outlet, useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { SignedIn, useSession, useSessionEnd } from "../api/session";
import { useText } from "../i18n";
import { startLive } from "../live";
import { Enter } from "../pages/Enter";
import { SignIn } from "../pages/SignIn";
import { Broken, Loading } from "../parts/faces";
import { Announcer } from "./announce";
import { Connection } from "./Connection";
import { useOnDemand } from "./onDemand";
import { Rail } from "./Rail";
import { useSettingsFromServer } from "./preferences";
import { useShellKeys } from "./shellKeys";

const SharedPage = lazy(() => import("../pages/talk/SharedPage"));
const loadPalette = () => import("./Palette");
const loadKeyList = () => import("./KeyList");

export function Frame() {
  const session = useSession();
  useSessionEnd();
  const { pathname, hash } = useLocation();
  if (pathname === "/enter" && hash) return <Enter />;
  if (pathname === "/shared" && hash)
    return (
      <Suspense fallback={<Loading />}>
        <SharedPage key={hash} token={hash} />
      </Suspense>
    );
  if (session.isError)
    return (
      <main className="page">
        <Broken error={session.error} again={() => void session.refetch()} />
      </main>
    );
  if (!session.data)
    return (
      <main className="page">
        <Loading />
      </main>
    );
  if (!session.data.signed_in) return <SignIn />;
  return (
    <SignedIn person={session.data.person}>
      <Inside />
    </SignedIn>
  );
}

function Inside() {
  const { t } = useText();
  const queries = useQueryClient();
  const [palette, setPalette] = useState(false);
  const [keys, setKeys] = useState(false);
  const Palette = useOnDemand(palette, loadPalette);
  const KeyList = useOnDemand(keys, loadKeyList);
  useEffect(() => startLive(queries), [queries]);
  useSettingsFromServer();
  useShellKeys({ palette: () => setPalette((open) => !open), keys: () => setKeys(true) });
  useFocusOnArrival();
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {t("shell.skip")}
      </a>
      <Rail onPalette={() => setPalette(true)} />
      <div>
        <Connection />
        <main id="main" className="page" tabIndex={-1}>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      {Palette && <Palette onClose={() => setPalette(false)} onKeys={() => setKeys(true)} />}
      {KeyList && <KeyList onClose={() => setKeys(false)} />}
      <Announcer />
    </div>
  );
}

/** After a move to another page, focus goes to it, so that a screen reader begins there. */
function useFocusOnArrival(): void {
  const { pathname } = useLocation();
  const [first, setFirst] = useState(pathname);
  useEffect(() => {
    if (pathname === first) return;
    setFirst(pathname);
    const active = document.activeElement;
    // A tab or a link that is still there keeps the focus; what was left behind gives it to the page.
    if (!active || active === document.body || active.closest(".rail")) document.getElementById("main")?.focus({ preventScroll: true });
  }, [pathname, first]);
}
