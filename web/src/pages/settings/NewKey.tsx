// A new key: what it is called, what it may use and spend. Its secret is in the answer and nowhere else, ever again.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../../api/client";
import { useIsOwner } from "../../api/session";
import { useText } from "../../i18n";
import { Sheet } from "../../parts/dialog";
import { Choice, Field, Problem, useForm } from "../../parts/form";
import { Shownonce } from "./Keys";

export const PERIODS = ["day", "week", "month", "forever"] as const;
export type Period = (typeof PERIODS)[number];

export function NewKey({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const owner = useIsOwner();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [limit, setLimit] = useState("");
  const [period, setPeriod] = useState<Period>("month");
  const [models, setModels] = useState("");
  const [rate, setRate] = useState("");
  const [expires, setExpires] = useState("");
  const [admin, setAdmin] = useState(false);
  const send = async () => {
    const path = (owner ? "/admin/v1/keys" : "/v1/me/keys") as "/admin/v1/keys";
    const made = await body(
      api.POST(path, {
        body: {
          name: name.trim(),
          ...(limit.trim() ? { budget: { limit_usd: limit.trim(), period } } : {}),
          ...(models.trim() ? { models: models.split(",").map((one) => one.trim()).filter(Boolean) } : {}),
          ...(rate.trim() ? { limits: { requests_per_minute: Number(rate) } } : {}),
          ...(expires ? { expires_at: new Date(`${expires}T00:00`).toISOString() } : {}),
          ...(admin ? { admin: true } : {}),
        },
      }),
    );
    await queries.invalidateQueries({ queryKey: ["keys"] });
    await queries.invalidateQueries({ queryKey: ["budgets"] });
    return made;
  };
  const form = useForm(send, ["name", "budget", "models", "limits", "expires_at"]);
  return (
    <Sheet title={form.done ? t("keys.made", { name: form.done.name }) : t("keys.new")} about={form.done ? undefined : t("keys.new.about")} open onClose={onClose}>
      {form.done ? (
        <Shownonce secret={form.done.secret ?? ""} onClose={onClose} />
      ) : (
        <form className="form" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
          <Field label={t("keys.name")} value={name} onChange={(e) => setName(e.target.value)} required maxLength={100} hint={t("keys.name.hint")} problem={form.problemOf("name")} />
          <div className="pair">
            <Field label={t("keys.limit")} value={limit} onChange={(e) => setLimit(e.target.value)} inputMode="decimal" pattern="[0-9]+([.][0-9]{1,9})?" hint={t("keys.limit.hint")} problem={form.problemOf("budget")} />
            <Choice label={t("budgets.period")} value={period} onChange={(e) => setPeriod(PERIODS.find((one) => one === e.target.value) ?? "month")} options={PERIODS.map((one) => [one, t(`period.${one}`)] as const)} />
          </div>
          <Field label={t("keys.models")} value={models} onChange={(e) => setModels(e.target.value)} hint={t("keys.models.hint")} problem={form.problemOf("models")} />
          <div className="pair">
            <Field label={t("keys.rate")} value={rate} onChange={(e) => setRate(e.target.value)} inputMode="numeric" pattern="[0-9]*" hint={t("keys.rate.hint")} problem={form.problemOf("limits")} />
            <Field label={t("keys.expires")} type="date" value={expires} onChange={(e) => setExpires(e.target.value)} hint={t("keys.expires.hint")} problem={form.problemOf("expires_at")} />
          </div>
          {owner && (
            <label className="tick">
              <input type="checkbox" checked={admin} onChange={(e) => setAdmin(e.target.checked)} /> <span>{t("keys.admin.hint")}</span>
            </label>
          )}
          {form.whole && <Problem>{form.whole}</Problem>}
          <div className="answers">
            <button className="btn btn-fill" disabled={form.busy}>
              {t("keys.make")}
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
