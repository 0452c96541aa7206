// Whether a conversation that is about to begin leaves a trace in memory. While it would not, that is said in words, for those too who can't
// point at the switch.
import { useText } from "../../../i18n";
import { Tipped } from "../../../parts/tip";

export function TraceSwitch({ off, onChange }: { off: boolean; onChange: (off: boolean) => void }) {
  const { t } = useText();
  return (
    <Tipped className="trace" tip={t("trace.about")} said={off}>
      {(describedBy) => (
        <button type="button" className="btn btn-quiet" aria-pressed={off} aria-label={t("trace.toggle")} aria-describedby={describedBy} onClick={() => onChange(!off)}>
          <span className="only-wide">{t("trace.wide")}</span>
          <span className="only-phone">{t("trace.short")}</span>
        </button>
      )}
    </Tipped>
  );
}

export function NoTrace() {
  const { t } = useText();
  return (
    <p className="notrace">
      <b>{t("trace.mark")}.</b> {t("trace.about")}
    </p>
  );
}
