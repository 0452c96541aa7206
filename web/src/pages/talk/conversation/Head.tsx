// A conversation's head: its title, how many messages since when, and what stands beside it.
import { Link } from "@tanstack/react-router";
import type { Conversation } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Tipped } from "../../../parts/tip";
import type { Beside } from "../side/Panel";

interface Props {
  id: string;
  conversation: Conversation | undefined;
  forgets: boolean; // it leaves no trace in memory
  beside: Beside | undefined;
  onBeside: (which: Beside | undefined) => void;
}

export function Head({ conversation: one, forgets, beside, onBeside }: Props) {
  const { t, times, figures } = useText();
  const open = (which: Beside) => () => onBeside(beside === which ? undefined : which);
  const facts = one
    ? [
        t("talk.since", { count: one.messages, messages: figures.whole(one.messages), day: times.since(new Date(one.created_at * 1000)) }),
        one.mine ? t(one.shared ? "talk.is_shared" : "talk.is_private") : one.by ? t("talk.shared.by", { name: one.by }) : t("talk.shared_with_you"),
      ]
    : [];
  return (
    <header className="conv-h">
      <div className="row">
        <Link to="/talk/{-$id}" params={{ id: undefined }} className="only-phone plain soft">
          {t("talk.back")}
        </Link>
        <h1 dir="auto">{one?.title || t("talk.untitled")}</h1>
        {one && (
          <span className="end small nb">
            <button type="button" className="linkish" aria-pressed={beside === "branches"} onClick={open("branches")}>
              {t("talk.branches")}
            </button>
            {one.mine && (
              <button type="button" className="linkish only-wide" aria-pressed={beside === "share"} onClick={open("share")}>
                {t("talk.share")}
              </button>
            )}
            <button type="button" className="linkish" aria-pressed={beside === "about"} onClick={open("about")}>
              {t("talk.about")}
            </button>
          </span>
        )}
      </div>
      <p className={forgets ? "meta facts" : "meta only-wide"}>
        <span className={forgets ? "only-wide" : undefined}>{facts.join(" ")}</span>
        {forgets && (
          <Tipped tip={t("trace.about")}>
            {(describedBy) => (
              <button type="button" className="linkish" aria-describedby={describedBy} onClick={open("about")}>
                {t("trace.mark")}
              </button>
            )}
          </Tipped>
        )}
      </p>
    </header>
  );
}
