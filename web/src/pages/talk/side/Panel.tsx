// What stands beside the conversation: its branches, who else reads it, and what it is. On a narrow screen it takes the conversation's place.
import { lazy, Suspense, type ReactNode } from "react";
import type { Conversation } from "../../../api/talk";
import { useText, type Key } from "../../../i18n";
import { Loading } from "../../../parts/faces";
import type { Thread } from "../thread/thread";

const Branches = lazy(() => import("./Branches"));
const Share = lazy(() => import("./Share"));
const About = lazy(() => import("./About"));

export type Beside = "branches" | "share" | "about";
const TITLES: Record<Beside, Key> = { branches: "talk.branches", share: "talk.share", about: "talk.about" };

interface Props {
  which: Beside;
  conversation: Conversation;
  thread: Thread;
  onBeside: (which: Beside | undefined) => void;
}

export function Panel({ which, conversation, thread, onBeside }: Props) {
  const { t } = useText();
  let inside: ReactNode;
  if (which === "branches") inside = <Branches conversation={conversation} thread={thread} />;
  else if (which === "share") inside = <Share conversation={conversation} thread={thread} />;
  else inside = <About conversation={conversation} onShare={() => onBeside("share")} />;
  return (
    <aside className="panel" aria-label={t(TITLES[which])}>
      <div className="panel-h row">
        <h2>{t(TITLES[which])}</h2>
        <span className="end small">
          <button type="button" className="linkish" onClick={() => onBeside(undefined)}>
            {t("act.close")}
          </button>
        </span>
      </div>
      <Suspense fallback={<Loading />}>{inside}</Suspense>
    </aside>
  );
}
