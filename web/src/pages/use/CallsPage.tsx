// The calls behind a bar or a row, newest first, page after page.
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { dayStart, instantsOf } from "../../format/span";
import { dateOf } from "../../format/when";
import { useText, type Key } from "../../i18n";
import { Broken, Empty, Loading } from "../../parts/faces";
import { Linkish } from "../../parts/small";
import type { CallsSearch } from "../../router";
import { useTitle } from "../../shell/title";
import { costText, useCalls, useNames, type Call } from "./data";

function instants(search: CallsSearch): { from?: string; to?: string } {
  const bar = search.bar ? instantsOf(search.bar) : undefined;
  const from = bar?.from ?? (search.from ? dayStart(search.from) : undefined);
  const to = bar?.to ?? (search.to ? dayStart(search.to) : undefined);
  return { ...(from ? { from: from.toISOString() } : {}), ...(to ? { to: to.toISOString() } : {}) };
}

export function CallsPage() {
  const { t } = useText();
  const search = useSearch({ from: "/use/calls" });
  const { model, provider, key, owner } = search;
  const calls = useCalls({ ...instants(search), model, provider, key, owner });
  useTitle(t("calls.title"));
  const rows = calls.data?.pages.flatMap((page) => page.data);
  return (
    <>
      <header className="head">
        <h1>{t("calls.title")}</h1>
        <p className="lede">
          <Link to="/use">‹ {t("nav.use")}</Link>
        </p>
      </header>
      <Filters search={search} />
      {!rows && (calls.isError ? <Broken error={calls.error} again={() => void calls.refetch()} /> : <Loading rows={8} />)}
      {rows?.length === 0 && <Empty title={t("calls.empty.title")}>{t("calls.empty.about")}</Empty>}
      {rows && rows.length > 0 && <CallTable rows={rows} />}
      {calls.hasNextPage && (
        <p className="after">
          <button className="btn" disabled={calls.isFetchingNextPage} onClick={() => void calls.fetchNextPage()}>
            {t("calls.more")}
          </button>
        </p>
      )}
    </>
  );
}

function Filters({ search }: { search: CallsSearch }) {
  const { t, times } = useText();
  const names = useNames();
  const navigate = useNavigate({ from: "/use/calls" });
  const bar = search.bar ? instantsOf(search.bar) : undefined;
  const day = (name: string | undefined, less = 0) => {
    const found = name ? dayStart(name) : undefined;
    return found ? times.day(new Date(found.getTime() - less)) : "";
  };
  const shown: [keyof CallsSearch, string][] = [];
  if (search.bar && bar) shown.push(["bar", search.bar.length === 7 ? times.month(bar.from) : times.day(bar.from)]);
  if (search.from) shown.push(["from", t("use.from_to", { from: day(search.from), to: day(search.to, 1) })]);
  if (search.model) shown.push(["model", search.model]);
  if (search.key) shown.push(["key", names(search.key)]);
  if (search.owner) shown.push(["owner", names(search.owner)]);
  if (shown.length === 0) return null;
  const drop = (name: keyof CallsSearch) =>
    void navigate({ search: (before) => ({ ...before, [name]: undefined, ...(name === "from" ? { to: undefined } : {}), ...(name === "model" ? { provider: undefined } : {}) }) });
  return (
    <ul className="filters" aria-label={t("calls.narrowed")}>
      {shown.map(([name, text]) => (
        <li key={name}>
          <b dir="auto">{text}</b>
          <Linkish aria-label={t("calls.without", { what: text })} onClick={() => drop(name)}>
            {t("calls.drop")}
          </Linkish>
        </li>
      ))}
    </ul>
  );
}

const OUTCOMES: Record<string, Key> = {
  under_way: "outcome.under_way",
  finished: "outcome.finished",
  client_gone: "outcome.client_gone",
  in_doubt: "outcome.in_doubt",
  cut: "outcome.cut",
  upstream_failed: "outcome.upstream_failed",
  deadline: "outcome.deadline",
  refused_upstream: "outcome.refused_upstream",
};
const AS_IT_SHOULD = new Set(["under_way", "finished", "client_gone"]);

export function useOutcome(): (call: Call) => { text: string; wrong: boolean } {
  const { t } = useText();
  return (call) => {
    const known = OUTCOMES[call.outcome];
    return { text: known ? t(known) : call.outcome, wrong: !AS_IT_SHOULD.has(call.outcome) };
  };
}

function CallTable({ rows }: { rows: readonly Call[] }) {
  const { t, figures, times } = useText();
  const names = useNames();
  const outcome = useOutcome();
  return (
    <table className="tbl calls">
      <thead>
        <tr>
          <th>{t("calls.when")}</th>
          <th>{t("use.dimension.model")}</th>
          <th className="opt">{t("calls.who")}</th>
          <th className="n opt">{t("use.in")}</th>
          <th className="n opt">{t("use.out")}</th>
          <th className="n opt">{t("calls.took")}</th>
          <th className="opt">{t("calls.ended")}</th>
          <th className="n">$</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((call) => {
          const at = dateOf(call.at);
          const ended = outcome(call);
          const usage = (call.usage ?? {}) as Record<string, number>;
          return (
            <tr key={call.id}>
              <td>
                <Link to="/use/calls/$id" params={{ id: call.id }}>
                  {at ? times.near(at) : call.id}
                </Link>
              </td>
              <td className="wide">
                <span dir="auto">{call.model}</span>
                <span className="meta">{call.provider === "local" ? t("models.here") : call.provider}</span>
              </td>
              <td className="opt wide">
                <span dir="auto">{names(call.key ?? call.owner ?? "")}</span>
              </td>
              <td className="n opt">{figures.count(usage.prompt_tokens ?? 0)}</td>
              <td className="n opt">{figures.count(usage.completion_tokens ?? 0)}</td>
              <td className="n opt">{figures.duration(call.duration_us ?? 0)}</td>
              <td className={ended.wrong ? "opt outcome" : "opt outcome faint"}>{ended.text}</td>
              <td className="n">{costText(call, (usd) => figures.amount(usd, 6)) ?? <span className="faint">{t("price.none")}</span>}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
