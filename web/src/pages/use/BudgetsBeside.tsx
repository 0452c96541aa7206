// Budgets as they stand: what is left, when they renew, and in vermilion those that will stop somebody soon.
import { Link } from "@tanstack/react-router";
import { useIsOwner } from "../../api/session";
import { useText } from "../../i18n";
import { Empty, Shown } from "../../parts/faces";
import { Meter } from "../../parts/small";
import { gone, NEEDS_SOMEBODY, useBudgets, useNames, type BudgetFigures } from "./data";

export function useBudgetName(): (budget: BudgetFigures) => string {
  const { t } = useText();
  const names = useNames();
  return (budget) => {
    if (budget.scope.startsWith("ten_")) return budget.name === "default" ? t("budgets.everybody") : budget.name;
    const who = names(budget.scope);
    const named = budget.name === "default" || budget.name === "key" ? who : `${who}, ${budget.name}`;
    return budget.scope.startsWith("key_") ? t("budgets.of_key", { name: named }) : named;
  };
}

export function BudgetsBeside() {
  const { t } = useText();
  const budgets = useBudgets();
  const owner = useIsOwner();
  const make = owner && (
    <Link className="btn" to="/settings/$part" params={{ part: "budgets" }} hash="new">
      {t("budgets.new")}
    </Link>
  );
  return (
    <section aria-labelledby="budgets">
      <div className="sect-h">
        <h2 id="budgets">{t("settings.budgets")}</h2> <span className="faint">{t("budgets.wall")}</span>
      </div>
      <Shown of={budgets}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title={t("budgets.empty.title")} act={make}>
              {t("budgets.empty.about")}
            </Empty>
          ) : (
            <>
              <ul>
                {[...rows].sort((a, b) => gone(b) - gone(a)).map((budget) => (
                  <BudgetLine key={budget.id} budget={budget} />
                ))}
              </ul>
              <p className="small soft after">
                {t("budgets.refused")}{" "}
                {owner && (
                  <Link to="/settings/$part" params={{ part: "budgets" }}>
                    {t("budgets.change_them")}
                  </Link>
                )}
              </p>
            </>
          )
        }
      </Shown>
    </section>
  );
}

export function BudgetLine({ budget, children }: { budget: BudgetFigures; children?: React.ReactNode }) {
  const { t, figures, times } = useText();
  const name = useBudgetName()(budget);
  const left = t("budgets.left", { left: figures.money(Math.max(0, budget.left), 2), limit: figures.amount(budget.limit, 2) });
  const full = gone(budget) >= NEEDS_SOMEBODY;
  const renews = budget.end ? t("budgets.renews", { when: times.near(budget.end) }) : t("budgets.never");
  const when = t("budgets.facts", { one: t(`period.${budget.period}`), other: renews });
  return (
    <li className="budget">
      <b dir="auto">{name}</b>
      <span className={full ? "need" : undefined}>{left}</span>
      <Meter label={name} part={gone(budget)} text={left} full={full} />
      <span className="meta">
        {budget.overrun > 0 ? t("budgets.facts", { one: when, other: t("budgets.overrun", { amount: figures.money(budget.overrun) }) }) : when}
      </span>
      {children}
    </li>
  );
}
