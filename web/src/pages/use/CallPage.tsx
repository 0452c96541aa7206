// One call: when, who, which model, how it ended, what it used and what each part of that cost; its words where the key keeps them.
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { usdOf } from "../../format/numbers";
import { dateOf } from "../../format/when";
import { useText, type Key } from "../../i18n";
import { Shown } from "../../parts/faces";
import { SetPriceLink } from "../../parts/noPrice";
import { useTitle } from "../../shell/title";
import { useOutcome } from "./CallsPage";
import { attemptsText, costText, isUnpriced, useCall, useNames, type Call } from "./data";

export function CallPage() {
  const { t } = useText();
  const { id } = useParams({ from: "/use/calls/$id" });
  const call = useCall(id);
  useTitle(t("call.title"));
  return (
    <>
      <header className="head">
        <h1>{t("call.title")}</h1>
        <p className="lede">
          <Link to="/use/calls">‹ {t("calls.title")}</Link>
        </p>
      </header>
      <Shown of={call} rows={8}>
        {(one) => <Told call={one} />}
      </Shown>
    </>
  );
}

function Line({ name, children }: { name: Key; children: ReactNode }) {
  const { t } = useText();
  return (
    <div>
      <dt>{t(name)}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}

function Told({ call }: { call: Call }) {
  const { t, listed, figures, times } = useText();
  const names = useNames();
  const ended = useOutcome()(call);
  const at = dateOf(call.at);
  const usage = (call.usage ?? {}) as Record<string, number>;
  return (
    <div className="two">
      <div>
        <section aria-labelledby="what">
          <div className="sect-h">
            <h2 id="what">{call.model}</h2> <span className="faint">{call.provider === "local" ? t("models.here") : call.provider}</span>
          </div>
          <dl className="kv after">
            <Line name="calls.when">{at ? `${times.day(at)}, ${times.seconds(at)}` : "–"}</Line>
            <Line name="calls.who">{listed([call.key ? names(call.key) : t("use.no_key"), call.owner ? names(call.owner) : "", call.team ? names(call.team) : ""])}</Line>
            <Line name="call.endpoint">
              <code>{call.endpoint}</code>
            </Line>
            <Line name="calls.ended">{ended.text}</Line>
            <Line name="calls.took">
              {figures.duration(call.duration_us ?? 0)}
              {(call.first_token_us ?? 0) > 0 && `, ${t("call.first_token", { time: figures.duration(call.first_token_us ?? 0) })}`}
            </Line>
            {attemptsText(call.attempts) && <Line name="call.attempts">{attemptsText(call.attempts)}</Line>}
            <Line name="call.id">
              <code>{call.id}</code>
            </Line>
          </dl>
        </section>
        <Content call={call} />
      </div>
      <Cost call={call} usage={usage} />
    </div>
  );
}

const KINDS: Record<string, Key> = {
  input: "use.in",
  cached_input: "use.cached",
  cache_write: "call.cache_write",
  output: "use.out",
  reasoning: "call.reasoning",
  image: "call.image",
  audio: "call.audio",
  tools: "call.tools",
  requests: "call.requests",
};

function Cost({ call, usage }: { call: Call; usage: Record<string, number> }) {
  const { t, figures } = useText();
  const costs = Object.entries((call.costs_microusd ?? {}) as Record<string, string>);
  const tokens: [Key, number | undefined][] = [
    ["use.in", usage.prompt_tokens],
    ["call.of_it_cached", usage.cached_tokens],
    ["use.out", usage.completion_tokens],
    ["call.of_it_reasoning", usage.reasoning_tokens],
  ];
  return (
    <section aria-labelledby="cost">
      <div className="sect-h">
        <h2 id="cost">{t("call.cost")}</h2>
        <span className="end">{costText(call, (usd) => figures.money(usd, 6)) ?? t("price.none")}</span>
      </div>
      <table className="tbl">
        <tbody>
          {tokens.map(([name, count]) => (
            <tr key={name}>
              <td>{t("call.tokens_of", { what: t(name) })}</td>
              <td className="n">{figures.whole(count ?? 0)}</td>
            </tr>
          ))}
          {costs.map(([kind, cost]) => (
            <tr key={kind}>
              <td>{KINDS[kind] ? t(KINDS[kind]) : kind}, $</td>
              <td className="n">{figures.amount(usdOf(cost), 6)}</td>
            </tr>
          ))}
          <tr>
            <td>{t("call.reserved")}, $</td>
            <td className="n">{figures.amount(usdOf(call.reserved_microusd), 6)}</td>
          </tr>
        </tbody>
      </table>
      {isUnpriced(call) ? (
        <p className="small soft after">
          {t(usdOf(call.cost_microusd) > 0 ? "call.unpriced_part" : "call.unpriced")} <SetPriceLink model={call.model} provider={call.provider} />
        </p>
      ) : (
        <p className="small soft after">{t("call.reserved.about")}</p>
      )}
    </section>
  );
}

function Content({ call }: { call: Call }) {
  const { t } = useText();
  const kept = (call.content ?? []) as { request?: unknown; answer?: unknown; erased?: boolean }[];
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
  return (
    <section className="sect" aria-labelledby="content">
      <div className="sect-h">
        <h2 id="content">{t("call.content")}</h2>
      </div>
      {kept.length === 0 && <p className="small soft after">{t("call.content.none")}</p>}
      {kept.map((one, index) => (
        <div key={index}>
          {one.erased ? (
            <p className="small soft after">{t("call.content.erased")}</p>
          ) : (
            <>
              <h3 className="after">{t("call.request")}</h3>
              <pre className="told" dir="auto" tabIndex={0}>
                {text(one.request)}
              </pre>
              <h3 className="after">{t("call.answer")}</h3>
              <pre className="told" dir="auto" tabIndex={0}>
                {text(one.answer)}
              </pre>
            </>
          )}
        </div>
      ))}
    </section>
  );
}
