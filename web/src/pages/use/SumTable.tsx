// Sums by model, by key or by person; each row opens its calls.
import { Link } from "@tanstack/react-router";
import { csvOf, saveText } from "../../format/csv";
import { scaleOf } from "../../format/numbers";
import { barsOf, dayName, type Span } from "../../format/span";
import { useText, type Key } from "../../i18n";
import { Empty, Shown } from "../../parts/faces";
import { SetPriceLink } from "../../parts/noPrice";
import { Linkish } from "../../parts/small";
import type { CallsSearch } from "../../router";
import { useKeys, useNames, useSums, type Dimension, type Sum } from "./data";
import { seriesOf, stepOf, valueOf, type Series, type Unit } from "./series";

interface Props {
  span: Span;
  unit: Unit;
  dimension: Dimension;
  swatches: boolean;
}

const TITLES: Record<Dimension, Key> = { model: "use.by_model", key: "use.by_key", owner: "use.by_person" };

export function SumTable(props: Props) {
  const { t } = useText();
  const sums = useSums(props.span, props.dimension, false);
  const id = `by-${props.dimension}`;
  return (
    <section className="sect" aria-labelledby={id}>
      <div className="sect-h">
        <h2 id={id}>{t(TITLES[props.dimension])}</h2>
        {sums.data && sums.data.length > 0 && <Save {...props} sums={sums.data} />}
      </div>
      <Shown of={sums}>{(rows) => (rows.length === 0 ? <Empty title={t("use.none")} /> : <Rows {...props} sums={rows} />)}</Shown>
    </section>
  );
}

function useRowName(dimension: Dimension): (sum: Sum) => { name: string; about: string } {
  const { t } = useText();
  const names = useNames();
  const keys = useKeys().data;
  return (sum) => {
    if (dimension === "model") return { name: sum.model, about: sum.provider === "local" ? t("models.here") : sum.provider };
    if (dimension === "owner") return { name: names(sum.id), about: "" };
    const key = keys?.find((one) => one.id === sum.id);
    return { name: sum.id ? names(sum.id) : t("use.no_key"), about: key ? t("keys.visible", { visible: key.visible }) : sum.id ? "" : t("use.no_key.about") };
  };
}

function Rows({ span, unit, dimension, swatches, sums }: Props & { sums: readonly Sum[] }) {
  const { t, figures } = useText();
  const rowName = useRowName(dimension);
  const series: Series[] = seriesOf(sums, [""], unit);
  const sorted = [...sums].sort((a, b) => valueOf(b, unit) - valueOf(a, unit) || b.calls - a.calls);
  const whole = sorted.reduce((sum, row) => sum + valueOf(row, unit), 0);
  const scale = scaleOf(sorted.map((row) => row.usd));
  return (
    <table className="tbl">
      <thead>
        <tr>
          <th>{t(`use.dimension.${dimension}`)}</th>
          <th className="n opt">{t("use.calls")}</th>
          <th className="n opt">{t("use.in")}</th>
          <th className="n opt">{t("use.out")}</th>
          <th className="n opt">{t("use.cached")}</th>
          <th className="n">{unit === "money" ? "$" : t("use.tokens")}</th>
          <th className="n">{t("use.share")}</th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((sum) => {
          const { name, about } = rowName(sum);
          return (
            <tr key={sum.id}>
              <td className={swatches ? "swatch" : undefined}>
                {swatches && (
                  <span className={`c${stepOf(series, sum.id)}`}>
                    <i />
                  </span>
                )}
                <Link className="plain" dir="auto" to="/use/calls" search={searchOf(span, dimension, sum)}>
                  {name}
                </Link>
                {about && <span className="meta">{about}</span>}
              </td>
              <td className="n opt">{figures.whole(sum.calls)}</td>
              <td className="n opt">{figures.count(sum.input)}</td>
              <td className="n opt">{figures.count(sum.output)}</td>
              <td className="n opt">{figures.percent(sum.cached, sum.input)}</td>
              <td className="n">
                {unit === "tokens" ? figures.count(valueOf(sum, "tokens")) : sum.unpriced > 0 && sum.unpriced >= sum.calls && sum.usd === 0 ? <span className="faint">{t("price.none")}</span> : figures.amount(sum.usd, scale)}
                {unit === "money" && sum.unpriced > 0 && (
                  <span className="meta">
                    {(sum.unpriced < sum.calls || sum.usd > 0) && t("use.unpriced", { count: sum.unpriced, calls: figures.whole(sum.unpriced) })} {dimension === "model" && <SetPriceLink model={sum.model} provider={sum.provider} />}
                  </span>
                )}
              </td>
              <td className="n">{figures.percent(valueOf(sum, unit), whole)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function searchOf(span: Span, dimension: Dimension, sum: Sum): CallsSearch {
  const between = { from: dayName(span.from), to: dayName(span.to) };
  if (dimension === "model") return { ...between, model: sum.model, provider: sum.provider };
  return dimension === "key" ? { ...between, key: sum.id } : { ...between, owner: sum.id };
}

function Save({ span, dimension, sums }: Props & { sums: readonly Sum[] }) {
  const { t } = useText();
  const rowName = useRowName(dimension);
  const save = () => {
    const head = [t(`use.dimension.${dimension}`), "id", t("use.calls"), t("use.failed"), t("use.in"), t("use.out"), t("use.cached"), "USD", t("use.calls_unpriced")];
    const rows = sums.map((sum) => [rowName(sum).name, sum.id, sum.calls, sum.failed, sum.input, sum.output, sum.cached, sum.usd, sum.unpriced]);
    saveText(`steward-use-by-${dimension}-${barsOf(span)[0]}.csv`, csvOf(head, rows));
  };
  return (
    <span className="end small">
      <Linkish onClick={save}>{t("use.csv")}</Linkish>
    </span>
  );
}
