// A diagram that was described in Mermaid's language, drawn with the page's own ink; its source is one fold away. Kinds that can't be drawn
// stay the source, and say so.
import { useEffect, useId, useMemo, useState, type ReactNode } from "react";
import { useText } from "../../../i18n";
import { svgOf } from "./svg";

const LONGEST_MS = 8_000;
// Why not: a date that isn't written as its format says, a line that can't be read, its kind, or its time.
type Outcome = { svg: string } | { why: "dates" | "line" | "kind" | "time"; text?: string };

let worker: Worker | undefined;
let next = 0;
const waiting = new Map<number, (outcome: Outcome) => void>();
const done = new Map<string, Outcome>(); // drawn again after a scroll, it is there at once
const KEPT = 50;

function layOut(source: string): Promise<Outcome> {
  const known = done.get(source);
  if (known) return Promise.resolve(known);
  worker ??= started();
  const id = (next += 1);
  return new Promise((tell) => {
    const timer = setTimeout(() => {
      // It doesn't end: the worker goes, and with it whatever else waited there.
      worker?.terminate();
      worker = undefined;
      for (const [, other] of waiting) other({ why: "time" });
      waiting.clear();
    }, LONGEST_MS);
    waiting.set(id, (outcome) => {
      clearTimeout(timer);
      done.set(source, outcome);
      if (done.size > KEPT) done.delete([...done.keys()][0] ?? "");
      tell(outcome);
    });
    worker?.postMessage({ id, source });
  });
}

function started(): Worker {
  const made = new Worker(new URL("./diagram.worker.ts", import.meta.url), { type: "module" });
  made.onmessage = ({ data }: MessageEvent<{ id: number } & Outcome>) => {
    waiting.get(data.id)?.(data);
    waiting.delete(data.id);
  };
  return made;
}

type Say = ReturnType<typeof useText>["t"];
const WHY_NOT: Record<"dates" | "line" | "kind" | "time", (t: Say, text: string) => string> = {
  dates: (t, text) => t("talk.diagram.dates", { text }),
  line: (t, text) => t("talk.diagram.line", { text }),
  kind: (t) => t("talk.diagram.not"),
  time: (t) => t("talk.diagram.long"),
};

export default function Diagram({ source, fallback }: { source: string; fallback: ReactNode }) {
  const { t } = useText();
  const prefix = `d${useId().replace(/\W/g, "")}-`;
  const [outcome, setOutcome] = useState<Outcome | undefined>(() => done.get(source));
  useEffect(() => {
    let current = true;
    void layOut(source).then((told) => current && setOutcome(told));
    return () => {
      current = false;
    };
  }, [source]);
  const drawn = useMemo(() => (outcome && "svg" in outcome ? svgOf(outcome.svg, prefix) : undefined), [outcome, prefix]);
  if (!outcome) return <>{fallback}</>;
  if (!drawn)
    return (
      <>
        {fallback}
        <p className="meta">{WHY_NOT[outcome && "why" in outcome ? outcome.why : "kind"](t, "text" in outcome ? (outcome.text ?? "") : "")}</p>
      </>
    );
  return (
    <figure className="diagram">
      <div className="scroller" role="img" aria-label={t("talk.diagram")} tabIndex={0}>
        {drawn.element}
      </div>
      <details>
        <summary>{t("talk.diagram.source")}</summary>
        {fallback}
      </details>
    </figure>
  );
}
