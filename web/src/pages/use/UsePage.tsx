// Use: what was spent and what is left, then where it went; behind each bar and each row the calls themselves.
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useIsOwner } from "../../api/session";
import { dayName, dayStart, elapsed, spanAt, stepped, type Span, type SpanKind } from "../../format/span";
import { useText } from "../../i18n";
import { Segments } from "../../parts/small";
import { useKeys as useKeyboard } from "../../shell/keyboard";
import { useSingleKeys } from "../../shell/preferences";
import { useTitle } from "../../shell/title";
import { BudgetsBeside } from "./BudgetsBeside";
import { ByDay } from "./ByDay";
import { useSums, useTightestBudget, type Dimension, type Sum } from "./data";
import { SumTable } from "./SumTable";
import type { Unit } from "./series";

function useSpan(): Span {
  const { span = "month", at } = useSearch({ from: "/use" });
  const day = at ?? dayName(new Date());
  return useMemo(() => spanAt(span, dayStart(day) ?? new Date()), [span, day]);
}

export function UsePage() {
  const { t } = useText();
  const { unit = "money", by = "model" } = useSearch({ from: "/use" });
  const owner = useIsOwner();
  const span = useSpan();
  useTitle(t("nav.use"));
  const dimensions: Dimension[] = owner ? ["model", "key", "owner"] : ["model", "key"];
  return (
    <>
      <Head span={span} unit={unit} />
      <FourFigures span={span} unit={unit} />
      <div className="two use">
        <div>
          <ByDay span={span} unit={unit} dimension={by} dimensions={dimensions} />
          {dimensions.map((dimension) => (
            <SumTable key={dimension} span={span} unit={unit} dimension={dimension} swatches={dimension === by} />
          ))}
        </div>
        <BudgetsBeside />
      </div>
    </>
  );
}

function Head({ span, unit }: { span: Span; unit: Unit }) {
  const { t, times } = useText();
  const navigate = useNavigate({ from: "/use" });
  const go = (kind: SpanKind, day: Date) => void navigate({ search: (before) => ({ ...before, span: kind === "month" ? undefined : kind, at: dayName(day) === dayName(new Date()) ? undefined : dayName(day) }) });
  const choose = (next: Unit) => void navigate({ search: (before) => ({ ...before, unit: next === "tokens" ? "tokens" : undefined }), replace: true });
  useKeyboard({ m: () => choose(unit === "money" ? "tokens" : "money") }, useSingleKeys());
  const name =
    span.kind === "year"
      ? String(span.from.getFullYear())
      : span.kind === "month"
        ? times.month(span.from)
        : t("use.from_to", { from: times.dayMonth(span.from), to: times.dayMonth(new Date(span.to.getTime() - 1)) });
  const inside = elapsed(span, new Date()) < 1;
  return (
    <header className="head">
      <h1>{t("nav.use")}</h1>
      <p className="lede">
        {name}
        <span className="steps">
          <button type="button" aria-label={t(`use.before.${span.kind}`)} onClick={() => go(span.kind, stepped(span, -1).from)}>
            ‹
          </button>
          <button type="button" aria-label={t(`use.after.${span.kind}`)} disabled={inside} onClick={() => go(span.kind, stepped(span, 1).from)}>
            ›
          </button>
        </span>
      </p>
      <div className="end">
        <Segments label={t("use.unit")} value={unit} options={[["money", t("use.money")], ["tokens", t("use.tokens")]]} onChoose={choose} />
        <span className="apart" />
        <Segments
          label={t("use.span")}
          value={span.kind}
          options={[["week", t("use.week")], ["month", t("use.month")], ["year", t("use.year")]]}
          onChoose={(kind) => go(kind, inside ? new Date() : span.from)}
        />
      </div>
    </header>
  );
}

function total(sums: readonly Sum[] | undefined, of: (sum: Sum) => number): number {
  return (sums ?? []).reduce((sum, row) => sum + of(row), 0);
}

function FourFigures({ span, unit }: { span: Span; unit: Unit }) {
  const { t, listed, figures, times } = useText();
  const sums = useSums(span, "model", false).data;
  const budget = useTightestBudget();
  const usd = total(sums, (sum) => sum.usd);
  const tokens = total(sums, (sum) => sum.input + sum.output);
  const here = total(sums, (sum) => (sum.provider === "local" ? sum.input + sum.output : 0));
  const calls = total(sums, (sum) => sum.calls);
  const failed = total(sums, (sum) => sum.failed);
  const unpriced = total(sums, (sum) => sum.unpriced);
  const spent = listed([t("use.spent"), unpriced > 0 ? t("use.unpriced", { count: unpriced, calls: figures.whole(unpriced) }) : ""]);
  const gone = elapsed(span, new Date());
  const pace = gone > 0 && gone < 1 ? 1 / gone : 1;
  return (
    <div className="figures" data-live>
      <p className="figure">
        <b>{unit === "money" ? figures.money(usd) : figures.count(tokens)}</b>
        <span>{unit === "money" ? spent : t("use.tokens_used", { percent: figures.percent(here, tokens) })}</span>
      </p>
      <p className="figure">
        <b>{budget ? figures.money(Math.max(0, budget.left), 2) : "–"}</b>
        <span>
          {!budget
            ? t("use.no_budget")
            : budget.end
              ? t("use.left_until", { limit: figures.amount(budget.limit, 2), day: times.dayMonth(budget.end) })
              : t("use.left_of", { limit: figures.amount(budget.limit, 2) })}
        </span>
      </p>
      <p className="figure">
        <b>{unit === "money" ? figures.money(usd * pace) : figures.count(Math.round(tokens * pace))}</b>
        <span>{gone < 1 ? t("use.pace", { day: times.dayMonth(new Date(span.to.getTime() - 1)) }) : t("use.whole")}</span>
      </p>
      <p className="figure">
        <b>{unit === "money" ? figures.count(tokens) : figures.money(usd)}</b>
        <span>{unit === "money" ? t("use.tokens_used", { percent: figures.percent(here, tokens) }) : t("use.calls_failed", { count: calls, calls: figures.whole(calls), failed: figures.whole(failed) })}</span>
      </p>
    </div>
  );
}
