// The notice that the server can't be reached: what that means, when it is tried again, and a way to do so now.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useText } from "../i18n";
import { tryAgain, useLine } from "../live";

export function Connection() {
  const { t } = useText();
  const line = useLine();
  const queries = useQueryClient();
  const [now, setNow] = useState(Date.now);
  const away = line.state === "waiting";
  useEffect(() => {
    if (!away) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    const online = () => tryAgain();
    addEventListener("online", online);
    return () => {
      clearInterval(timer);
      removeEventListener("online", online);
    };
  }, [away]);
  if (!away) return null;
  const seconds = Math.max(0, Math.ceil((line.retryAt - now) / 1000));
  return (
    <div className="banner" role="status">
      <b>{t("offline.title")}</b>
      <span className="only-wide">
        {t("offline.about")} {seconds > 0 && <span aria-hidden="true">{t("offline.again_in", { count: seconds })}</span>}
      </span>
      <button
        className="linkish end"
        onClick={() => {
          tryAgain();
          void queries.invalidateQueries();
        }}
      >
        {t("offline.now")}
      </button>
    </div>
  );
}
