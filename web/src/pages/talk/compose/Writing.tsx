// How long the answer has been under way: a figure that is known, where tokens a second would be a guess.
import { useEffect, useState } from "react";
import { useText } from "../../../i18n";

export function Writing({ since }: { since: number | undefined }) {
  const { t, figures } = useText();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (since === undefined) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [since]);
  const seconds = since === undefined ? 0 : Math.max(0, Math.round((now - since) / 1000));
  return <span className="meta only-wide end">{since !== undefined && t("talk.writing_for", { time: seconds < 1 ? "" : figures.duration(seconds * 1e6) })}</span>;
}
