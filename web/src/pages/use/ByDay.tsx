// The chart with its words: what it is parted by, its key, what is pointed at, and the same figures as a table and as CSV.
import { Link, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { csvOf, saveText } from "../../format/csv";
import { scaleOf } from "../../format/numbers";
import { barsOf, dayName, instantsOf, type Span } from "../../format/span";
import { useText } from "../../i18n";
import { Empty, Shown } from "../../parts/faces";
import { Linkish, Segments } from "../../parts/small";
import { useLastUse, useNames, useSums, type Dimension, type Sum } from "./data";
import { seriesOf, type Series, type Unit } from "./series";

const Chart = lazy(() => import("./Chart"));
const DRAWN_AFTER_MS = 600;

interface Props {
  span: Span;
  unit: Unit;
  dimension: Dimension;
}

export function ByDay({ dimensions, ...props }: Props & { dimensions: readonly Dimension[] }) {
  const { t } = useText();
  const navigate = useNavigate({ from: "/use" });
  const sums = useSums(props.span, props.dimension, true);
  const choose = (next: Dimension) => void navigate({ search: (before) => ({ ...before, by: next === "model" ? undefined : next }), replace: true });
  return (
    <section aria-labelledby="by-day">
      <div className="row wraps">
        <h2 id="by-day">{t(props.span.kind === "year" ? "use.by_month" : "use.by_day")}</h2>
        <span className="end">
          <Segments label={t("use.parted_by")} value={props.dimension} options={dimensions.map((one) => [one, t(`use.dimension.${one}`)] as const)} onChoose={choose} />
        </span>
      </div>
      <Shown of={sums} rows={6}>
        {(rows) =>
          rows.length === 0 ? (
            <Nothing span={props.span} />
          ) : props.unit === "money" && rows.every((row) => row.usd === 0) ? (
            <Costless onTokens={() => void navigate({ search: (before) => ({ ...before, unit: "tokens" }), replace: true })} />
          ) : (
            <Drawn {...props} sums={rows} />
          )
        }
      </Shown>
    </section>
  );
}

/** Where all ran on this machine, bars of money would be an empty frame. */
function Costless({ onTokens }: { onTokens: () => void }) {
  const { t } = useText();
  return (
    <Empty
      title={t("use.free.title")}
      act={
        <button type="button" className="btn" onClick={onTokens}>
          {t("use.free.tokens")}
        </button>
      }
    >
      {t("use.free.about")}
    </Empty>
  );
}

/** At a month's beginning there is nothing yet: the way to where there is. */
function Nothing({ span }: { span: Span }) {
  const { t, times } = useText();
  const last = useLastUse();
  const elsewhere = last && (last < span.from || last >= span.to);
  const act = elsewhere && (
    <Link className="btn" to="/use" search={(before) => ({ ...before, at: dayName(last) })}>
      {t("use.empty.last", { month: times.month(last) })}
    </Link>
  );
  return (
    <Empty title={t("use.empty.title")} act={act}>
      {t("use.empty.about")}
    </Empty>
  );
}

function useBarNames(span: Span): { bars: string[]; short: string[]; long: (bar: string) => string } {
  const { times } = useText();
  return useMemo(() => {
    const bars = barsOf(span);
    const start = (bar: string) => instantsOf(bar)?.from ?? span.from;
    const short = bars.map((bar, index) => {
      if (span.kind === "year") return times.monthShort(start(bar));
      if (span.kind === "week") return times.weekday(start(bar));
      return index === 0 || (index + 1) % 5 === 0 ? String(index + 1) : "";
    });
    return { bars, short, long: (bar) => (span.kind === "year" ? times.month(start(bar)) : times.dayMonth(start(bar))) };
  }, [span, times]);
}

function Drawn({ span, unit, dimension, sums }: Props & { sums: readonly Sum[] }) {
  const { t, figures } = useText();
  const navigate = useNavigate();
  const names = useNames();
  const { bars, short, long } = useBarNames(span);
  const [at, setAt] = useState<number>();
  const series = useMemo(() => seriesOf(sums, bars, unit), [sums, bars, unit]);
  const nameOf = (one: Series) => (one.id === "" ? t("use.others") : dimension === "model" ? one.id.replace(/^[^/]*\//, "") : names(one.id) || t("use.no_key"));
  const perBar = bars.map((_, index) => series.reduce((sum, one) => sum + (one.bars[index] ?? 0), 0));
  const scale = scaleOf(perBar);
  const format = useCallback((value: number) => (unit === "money" ? figures.money(value, value >= 10 ? 2 : scale) : figures.count(value)), [unit, figures, scale]);
  const axis = useCallback((value: number) => (unit === "money" ? figures.money(value) : figures.count(value)), [unit, figures]);
  const open = useCallback((index: number) => void navigate({ to: "/use/calls", search: { bar: bars[index] } }), [navigate, bars]);
  const whole = perBar.reduce((a, b) => a + b, 0);
  const highest = Math.max(...perBar);
  const label = t("use.chart", { whole: format(whole), highest: format(highest), day: long(bars[perBar.indexOf(highest)] ?? "") });
  const pointed = at === undefined ? undefined : bars[at];
  return (
    <>
      <p className="key">
        {series.map((one) => (
          <span key={one.id} className={`c${one.step}`}>
            <i />
            <span dir="auto">{nameOf(one)}</span>
          </span>
        ))}
      </p>
      <Suspense fallback={<Awaited />}>
        <Later><Chart bars={bars} labels={short} series={series} axis={axis} label={label} at={at} onPoint={setAt} onOpen={open} /></Later>
      </Suspense>
      <p className="chartline" role="status">
        {pointed === undefined || at === undefined ? (
          <span>{t("use.point")}</span>
        ) : (
          <>
            <b>{long(pointed)}</b>
            <b>{format(perBar[at] ?? 0)}</b>
            {series.map((one) => ((one.bars[at] ?? 0) > 0 ? <span key={one.id}>{`${nameOf(one)} ${format(one.bars[at] ?? 0)}`}</span> : null))}
          </>
        )}
      </p>
      <Behind bars={bars} long={long} series={series} perBar={perBar} format={format} nameOf={nameOf} name={`steward-use-${unit}-${bars[0]}.csv`} open={open} />
    </>
  );
}

/** Drawing is the heaviest part of the app, so it is fetched once the page stands and can be worked with. */
function Later({ children }: { children: ReactNode }) {
  const [now, setNow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setNow(true), DRAWN_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return now ? children : <Awaited />;
}

function Awaited() {
  return <div className="chart" aria-busy="true" />;
}

interface BehindProps {
  bars: readonly string[];
  long: (bar: string) => string;
  series: readonly Series[];
  perBar: readonly number[];
  format: (value: number) => string;
  nameOf: (series: Series) => string;
  name: string;
  open: (bar: number) => void;
}

function Behind({ bars, long, series, perBar, format, nameOf, name, open }: BehindProps) {
  const { t } = useText();
  const used = bars.map((bar, index) => ({ bar, index })).filter(({ index }) => (perBar[index] ?? 0) > 0);
  const save = () => {
    const head = [t("use.day"), ...series.map(nameOf), t("use.together")];
    saveText(name, csvOf(head, bars.map((bar, index) => [bar, ...series.map((one) => one.bars[index] ?? 0), perBar[index] ?? 0])));
  };
  return (
    <div className="below">
      <details className="behind">
        <summary>{t("use.as_table")}</summary>
        <div className="scroller">
          <table className="tbl">
            <thead>
              <tr>
                <th>{t("use.day")}</th>
                {series.map((one) => (
                  <th key={one.id} className="n" dir="auto">
                    {nameOf(one)}
                  </th>
                ))}
                <th className="n">{t("use.together")}</th>
              </tr>
            </thead>
            <tbody>
              {used.map(({ bar, index }) => (
                <tr key={bar}>
                  <td>
                    <Linkish onClick={() => open(index)}>{long(bar)}</Linkish>
                  </td>
                  {series.map((one) => (
                    <td key={one.id} className="n">
                      {format(one.bars[index] ?? 0)}
                    </td>
                  ))}
                  <td className="n">{format(perBar[index] ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
      <Linkish onClick={save}>{t("use.csv")}</Linkish>
    </div>
  );
}
