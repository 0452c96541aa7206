// What was said: one's own words as they were typed, an answer as markdown with its thinking folded and its tools before it. What is too
// long to be drawn at once comes in pieces.
import { lazy, Suspense, useState } from "react";
import type { Message, Tool } from "../../../api/talk";
import { useText } from "../../../i18n";
import { useToldText } from "../../../parts/form";
import { Linkish } from "../../../parts/small";
import { goneModel } from "../thread/versions";
import { isOpen } from "../thread/thread";

const Markdown = lazy(() => import("../markdown/Markdown"));

const FIRST_OWN = 4_000; // letters of one's own words before they are folded
const PIECE = 60_000; // letters of an answer that are drawn at once
const MORE = 200_000;

export function OwnWords({ text }: { text: string }) {
  return <Piecewise text={text} first={FIRST_OWN} lines={40} draw={(shown) => <p className="own" dir="auto">{shown}</p>} />;
}

/** The first letters of a text, and more of it as far as is asked for. */
export function Piecewise({ text, first, lines = Infinity, draw }: { text: string; first: number; lines?: number; draw: (shown: string, whole: boolean) => React.ReactNode }) {
  const { t, figures } = useText();
  const [upTo, setUpTo] = useState(0);
  const start = Math.min(first, lineEnd(text, lines));
  // A little more than the fold saves isn't worth one.
  const shown = text.length <= start * 1.25 ? text.length : Math.max(start, upTo);
  const end = Math.min(text.length, shown);
  return (
    <>
      {draw(end < text.length ? text.slice(0, end) : text, end >= text.length)}
      {end < text.length && (
        <p className="meta">
          <Linkish onClick={() => setUpTo(end + MORE)}>{t("talk.more_of_it")}</Linkish> {t("talk.letters", { part: figures.whole(end), whole: figures.whole(text.length) })}
        </p>
      )}
    </>
  );
}

function lineEnd(text: string, lines: number): number {
  if (!Number.isFinite(lines)) return text.length;
  let at = -1;
  for (let i = 0; i < lines; i += 1) {
    at = text.indexOf("\n", at + 1);
    if (at < 0) return text.length;
  }
  return at;
}

export function Answer({ message, text, reasoning }: { message: Message; text: string; reasoning: string }) {
  const { t } = useText();
  const words = useToldText();
  const gone = goneModel(message);
  const open = isOpen(message);
  const writing = message.status === "in_progress";
  return (
    <>
      {reasoning && <Reasoning text={reasoning} now={writing && text === ""} />}
      {message.tools.map((tool, index) => (
        <ToolCall key={index} tool={tool} arriving={writing} />
      ))}
      {text && (
        <Piecewise
          text={text}
          first={writing ? Infinity : PIECE}
          draw={(shown) => (
            <Suspense fallback={<p className="asis" dir="auto">{shown}</p>}>
              <Markdown text={shown} arriving={writing} />
            </Suspense>
          )}
        />
      )}
      {open && !text && (
        <p className="writing">
          <span className="caret" />
          <span className="vh">{t("talk.writing")}</span>
          {writing && !text && !reasoning && <span className="meta">{t("talk.begins")}</span>}
        </p>
      )}
      {message.status === "erased" && <p className="meta">{t("talk.erased")}</p>}
      {message.error && (
        <div className="failed" role="alert">
          <b>{t("talk.failed")}</b> <span dir="auto">{gone ? t("talk.model_gone", { model: gone }) : words(message.error)}</span>
        </div>
      )}
    </>
  );
}

/** Folded, unless it is all there is yet and somebody opens it. Drawn only when it is open. */
function Reasoning({ text, now }: { text: string; now: boolean }) {
  const { t } = useText();
  const [open, setOpen] = useState(false);
  return (
    <details className="reasoning" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t(now ? "talk.thinking" : "talk.thought")}</summary>
      {open && (
        <Suspense>
          <Markdown text={text} arriving={now} />
        </Suspense>
      )}
    </details>
  );
}

/** A message that has ended waits for nothing: what the tool told may stand in the one below. */
function ToolCall({ tool, arriving }: { tool: Tool; arriving: boolean }) {
  const { t } = useText();
  const [open, setOpen] = useState(false);
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
  return (
    <details className="tool" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {t("talk.tool", { name: tool.name })} {arriving && (tool.result === null || tool.result === undefined) ? t("talk.tool.waits") : ""}
      </summary>
      {open && (
        <>
          <h4>{t("talk.tool.asked")}</h4>
          <pre className="told" dir="auto" tabIndex={0}>
            {text(tool.arguments)}
          </pre>
          {tool.result !== null && tool.result !== undefined && (
            <>
              <h4>{t("talk.tool.told")}</h4>
              <pre className="told" dir="auto" tabIndex={0}>
                {text(tool.result)}
              </pre>
            </>
          )}
        </>
      )}
    </details>
  );
}
