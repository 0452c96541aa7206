// Budgets: walls at admission, over everybody, a team, a person or a key.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../../api/client";
import { useText } from "../../i18n";
import { Sheet } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/faces";
import { Choice, Field, Problem, useForm } from "../../parts/form";
import { useOpened } from "../../parts/opened";
import { Ask, Linkish } from "../../parts/small";
import { BudgetLine, useBudgetName } from "../use/BudgetsBeside";
import { gone, NEEDS_SOMEBODY, useBudgets, useKeys, usePrincipals, type BudgetFigures } from "../use/data";
import { PERIODS } from "./NewKey";

export default function Budgets() {
  const { t } = useText();
  const budgets = useBudgets();
  const [making, setMaking] = useOpened("new");
  const [changing, setChanging] = useState<BudgetFigures>();
  return (
    <section aria-labelledby="budgets">
      <div className="sect-h">
        <h2 id="budgets">{t("settings.budgets")}</h2> <span className="faint">{t("budgets.wall")}</span>
        <span className="end small">
          <Linkish onClick={() => setMaking(true)}>{t("budgets.new")}</Linkish>
        </span>
      </div>
      <Shown of={budgets}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty
              title={t("budgets.empty.title")}
              act={
                <button className="btn" onClick={() => setMaking(true)}>
                  {t("budgets.new")}
                </button>
              }
            >
              {t("budgets.empty.about")}
            </Empty>
          ) : (
            <ul>
              {[...rows].sort((a, b) => gone(b) - gone(a)).map((budget) => (
                <Line key={budget.id} budget={budget} change={() => setChanging(budget)} />
              ))}
            </ul>
          )
        }
      </Shown>
      {(making || changing) && (
        <Edit
          of={changing}
          onClose={() => {
            setMaking(false);
            setChanging(undefined);
          }}
        />
      )}
    </section>
  );
}

function Line({ budget, change }: { budget: BudgetFigures; change: () => void }) {
  const { t, figures } = useText();
  const queries = useQueryClient();
  const name = useBudgetName()(budget);
  const full = gone(budget) >= NEEDS_SOMEBODY;
  const twice = budget.limit > 0 ? budget.limit * 2 : 1;
  const send = async (limit: number) => {
    await body(api.POST("/admin/v1/budgets", { body: { scope: budget.scope, name: budget.name, limit_usd: String(limit), period: budget.period, ...(budget.timeZone ? { time_zone: budget.timeZone } : {}) } }));
    await queries.invalidateQueries({ queryKey: ["budgets"] });
  };
  const raise = useForm(() => send(twice), []);
  const remove = async () => {
    await body(api.DELETE("/admin/v1/budgets/{id}", { params: { path: { id: budget.id } } }));
    await queries.invalidateQueries({ queryKey: ["budgets"] });
  };
  return (
    <BudgetLine budget={budget}>
      <div className="answers">
        {full && (
          <form onSubmit={raise.onSubmit}>
            <button className="btn btn-need">{t("budgets.raise", { limit: figures.money(twice, 2) })}</button>
          </form>
        )}
        <button className="btn" aria-label={t("budgets.change_of", { name })} onClick={change}>
          {t("budgets.change")}
        </button>
        <Ask title={t("budgets.remove.title", { name })} about={t("budgets.remove.about")} verb={t("act.remove")} act={remove}>
          {(ask) => (
            <button className="btn btn-quiet" aria-label={t("budgets.remove_it", { name })} onClick={ask}>
              {t("act.remove")}
            </button>
          )}
        </Ask>
        {raise.whole && <Problem>{raise.whole}</Problem>}
      </div>
    </BudgetLine>
  );
}

function useScopes(): (readonly [string, string])[] {
  const { t } = useText();
  const principals = usePrincipals().data ?? [];
  const keys = useKeys().data ?? [];
  return [
    ["", t("budgets.everybody")],
    ...principals.filter((one) => one.kind === "team").map((one) => [one.id, t("budgets.of_team", { name: one.name })] as const),
    ...principals.filter((one) => one.kind === "user").map((one) => [one.id, one.name] as const),
    ...keys.filter((one) => one.status === "active").map((one) => [one.id, t("budgets.of_key", { name: one.name })] as const),
  ];
}

function Edit({ of: budget, onClose }: { of: BudgetFigures | undefined; onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const budgetName = useBudgetName();
  const scopes = useScopes();
  const [scope, setScope] = useState("");
  const [limit, setLimit] = useState(budget ? String(budget.limit) : "");
  const [period, setPeriod] = useState<BudgetFigures["period"]>(budget?.period ?? "month");
  const send = async () => {
    await body(
      api.POST("/admin/v1/budgets", {
        body: {
          ...(budget ? { scope: budget.scope, name: budget.name, ...(budget.timeZone ? { time_zone: budget.timeZone } : {}) } : scope ? { scope } : {}),
          limit_usd: limit.trim(),
          period,
        },
      }),
    );
    await queries.invalidateQueries({ queryKey: ["budgets"] });
  };
  const form = useForm(send, ["limit_usd", "scope", "period"], onClose);
  return (
    <Sheet title={budget ? t("budgets.change_of", { name: budgetName(budget) }) : t("budgets.new")} about={t("budgets.refused")} open onClose={onClose}>
      <form className="form" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        {!budget && <Choice label={t("budgets.over")} value={scope} onChange={(e) => setScope(e.target.value)} options={scopes} hint={t("budgets.over.hint")} />}
        <div className="pair">
          <Field label={t("budgets.limit")} value={limit} onChange={(e) => setLimit(e.target.value)} required inputMode="decimal" pattern="[0-9]+([.][0-9]{1,9})?" problem={form.problemOf("limit_usd")} autoFocus />
          <Choice label={t("budgets.period")} value={period} onChange={(e) => setPeriod(PERIODS.find((one) => one === e.target.value) ?? period)} options={PERIODS.map((one) => [one, t(`period.${one}`)] as const)} />
        </div>
        {form.whole && <Problem>{form.whole}</Problem>}
        <div className="answers">
          <button className="btn btn-fill" disabled={form.busy}>
            {budget ? t("budgets.set") : t("budgets.make")}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            {t("act.leave")}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
