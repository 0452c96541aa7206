// Small parts: a meter with its words, a segment switch, a secret that is shown once, a question before what can't be undone.
import { useState, type ReactNode } from "react";
import { useText } from "../i18n";
import { announce } from "../shell/announce";
import { Sheet } from "./dialog";
import { Problem, useForm } from "./form";

export function Meter({ label, part, text, full = false }: { label: string; part: number; text: string; full?: boolean }) {
  const percent = Math.round(Math.min(1, Math.max(0, part)) * 100);
  return (
    <span className={full ? "meter full" : "meter"} role="meter" aria-label={label} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100} aria-valuetext={text}>
      <i style={{ width: `${percent}%` }} />
    </span>
  );
}

export function Segments<T extends string>({ label, value, options, onChoose }: { label: string; value: T; options: readonly (readonly [T, string])[]; onChoose: (value: T) => void }) {
  return (
    <span className="seg" role="group" aria-label={label}>
      {options.map(([one, text]) => (
        <button key={one} type="button" aria-pressed={one === value} onClick={() => onChoose(one)}>
          {text}
        </button>
      ))}
    </span>
  );
}

export function Secret({ value, about }: { value: string; about: string }) {
  const { t } = useText();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
    announce(t("secret.copied"));
  };
  return (
    <div className="secret">
      <p className="small soft">{about}</p>
      <code>{value}</code>
      <div className="answers">
        <button type="button" className="btn" onClick={() => void copy()}>
          {copied ? t("secret.copied") : t("secret.copy")}
        </button>
      </div>
    </div>
  );
}

interface AskProps {
  title: string;
  about: string;
  verb: string;
  act: () => Promise<unknown>;
  children: (ask: () => void) => ReactNode;
}

/** A question before something final. Its verb says what happens. */
export function Ask({ title, about, verb, act, children }: AskProps) {
  const { t } = useText();
  const [open, setOpen] = useState(false);
  const form = useForm(act, [], () => setOpen(false));
  return (
    <>
      {children(() => setOpen(true))}
      <Sheet title={title} about={about} open={open} onClose={() => setOpen(false)}>
        <form className="form" onSubmit={form.onSubmit}>
          {form.whole && <Problem>{form.whole}</Problem>}
          <div className="answers">
            <button className="btn btn-fill" disabled={form.busy}>
              {verb}
            </button>
            <button type="button" className="btn" onClick={() => setOpen(false)}>
              {t("act.leave")}
            </button>
          </div>
        </form>
      </Sheet>
    </>
  );
}

export function Linkish({ onClick, children, ...rest }: { onClick: () => void; children: ReactNode; "aria-label"?: string }) {
  return (
    <button type="button" className="linkish" onClick={onClick} {...rest}>
      {children}
    </button>
  );
}
