// Keys for other programs: made (the secret is shown once), limited, rotated, revoked.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../../api/client";
import type { components } from "../../api/schema";
import { useIsOwner } from "../../api/session";
import { dateOf } from "../../format/when";
import { useText } from "../../i18n";
import { Sheet } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/faces";
import { Choice, Problem, useForm } from "../../parts/form";
import { useOpened } from "../../parts/opened";
import { usePointed } from "../../parts/pointed";
import { Ask, Linkish, Secret } from "../../parts/small";
import { useBudgets, useKeys, useNames } from "../use/data";
import { NewKey } from "./NewKey";

type ApiKey = components["schemas"]["Key"];

export default function Keys() {
  const { t } = useText();
  const keys = useKeys();
  const [making, setMaking] = useOpened("new");
  const make = (
    <button className="btn" onClick={() => setMaking(true)}>
      {t("keys.new")}
    </button>
  );
  return (
    <section aria-labelledby="keys">
      <div className="sect-h">
        <h2 id="keys">{t("settings.keys")}</h2> <span className="faint">{t("keys.about")}</span>
        <span className="end small">
          <Linkish onClick={() => setMaking(true)}>{t("keys.new")}</Linkish>
        </span>
      </div>
      <Shown of={keys}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title={t("keys.empty.title")} act={make}>
              {t("keys.empty.about")}
            </Empty>
          ) : (
            <Table rows={rows} />
          )
        }
      </Shown>
      {making && <NewKey onClose={() => setMaking(false)} />}
    </section>
  );
}

function Table({ rows }: { rows: readonly ApiKey[] }) {
  const { t } = useText();
  const sorted = [...rows].sort((a, b) => Number(a.status !== "active") - Number(b.status !== "active") || b.id.localeCompare(a.id));
  return (
    <table className="tbl">
      <thead>
        <tr>
          <th>{t("use.dimension.key")}</th>
          <th className="opt">{t("keys.may")}</th>
          <th className="opt">{t("keys.whose")}</th>
          <th className="n">{t("keys.budget")}</th>
          <th className="n">
            <span className="vh">{t("act.acts")}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((key) => (
          <Line key={key.id} of={key} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ of: key }: { of: ApiKey }) {
  const { t, listed, figures, times } = useText();
  const owner = useIsOwner();
  const queries = useQueryClient();
  const names = useNames();
  const budget = useBudgets().data?.find((one) => one.scope === key.id);
  const [rotating, setRotating] = useState(false);
  const pointed = usePointed(key.id);
  const active = key.status === "active";
  const expires = dateOf(key.expires_at);
  const revoke = async () => {
    const path = (owner ? "/admin/v1/keys/{id}/revoke" : "/v1/me/keys/{id}/revoke") as "/admin/v1/keys/{id}/revoke";
    await body(api.POST(path, { params: { path: { id: key.id } } }));
    await queries.invalidateQueries({ queryKey: ["keys"] });
  };
  const limits = [
    key.limits?.requests_per_minute ? t("keys.per_minute", { count: figures.whole(key.limits.requests_per_minute) }) : "",
    key.limits?.tokens_per_minute ? t("keys.tokens_per_minute", { count: figures.count(key.limits.tokens_per_minute) }) : "",
  ].filter(Boolean);
  return (
    <tr className={active ? undefined : "gone"} {...pointed}>
      <td>
        <span dir="auto">{key.name}</span>
        <span className="meta">
          <code>{key.visible}</code> {listed([active && expires ? t("keys.until", { when: times.near(expires) }) : "", ...limits])}
        </span>
      </td>
      <td className="opt soft">{key.admin ? t("keys.admin") : key.models?.length ? key.models.join(", ") : t("keys.all")}</td>
      <td className="opt" dir="auto">
        {names(key.owner ?? "")}
        {key.team && <span className="meta">{names(key.team)}</span>}
      </td>
      <td className="n">{budget ? t("use.of", { part: figures.money(budget.spent, 2), whole: figures.amount(budget.limit, 2) }) : t("keys.no_budget")}</td>
      <td className="n">
        {active ? (
          <span className="acts">
            <Linkish aria-label={t("keys.rotate_it", { name: key.name })} onClick={() => setRotating(true)}>
              {t("keys.rotate")}
            </Linkish>
            <Ask title={t("keys.revoke.title", { name: key.name })} about={t("keys.revoke.about")} verb={t("keys.revoke")} act={revoke}>
              {(ask) => (
                <Linkish aria-label={t("keys.revoke_it", { name: key.name })} onClick={ask}>
                  {t("keys.revoke")}
                </Linkish>
              )}
            </Ask>
          </span>
        ) : (
          t(key.status === "expired" ? "keys.expired" : "keys.revoked")
        )}
        {rotating && <Rotate of={key} onClose={() => setRotating(false)} />}
      </td>
    </tr>
  );
}

const OVERLAPS = [0, 3600, 86_400, 604_800] as const;

function Rotate({ of: key, onClose }: { of: ApiKey; onClose: () => void }) {
  const { t } = useText();
  const owner = useIsOwner();
  const queries = useQueryClient();
  const [overlap, setOverlap] = useState(3600);
  const send = async () => {
    const path = (owner ? "/admin/v1/keys/{id}/rotate" : "/v1/me/keys/{id}/rotate") as "/admin/v1/keys/{id}/rotate";
    const made = await body(api.POST(path, { params: { path: { id: key.id } }, body: { overlap_s: overlap } }));
    await queries.invalidateQueries({ queryKey: ["keys"] });
    return made;
  };
  const form = useForm(send, []);
  return (
    <Sheet title={t("keys.rotate.title", { name: key.name })} about={t("keys.rotate.about")} open onClose={onClose}>
      {form.done ? (
        <Shownonce secret={form.done.secret ?? ""} onClose={onClose} />
      ) : (
        <form className="form" onSubmit={form.onSubmit}>
          <Choice label={t("keys.overlap")} value={overlap} onChange={(e) => setOverlap(Number(e.target.value))} options={OVERLAPS.map((one) => [String(one), t(`keys.overlap.${one}`)] as const)} />
          {form.whole && <Problem>{form.whole}</Problem>}
          <div className="answers">
            <button className="btn btn-fill" disabled={form.busy}>
              {t("keys.rotate.act")}
            </button>
            <button type="button" className="btn" onClick={onClose}>
              {t("act.leave")}
            </button>
          </div>
        </form>
      )}
    </Sheet>
  );
}

export function Shownonce({ secret, onClose }: { secret: string; onClose: () => void }) {
  const { t } = useText();
  return (
    <>
      <Secret value={secret} about={t("keys.once")} />
      <div className="answers after">
        <button className="btn btn-fill" onClick={onClose}>
          {t("keys.have_it")}
        </button>
      </div>
    </>
  );
}
