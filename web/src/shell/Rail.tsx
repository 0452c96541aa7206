// The rail: where one is, and at its foot what was spent, who one is and the way to everything (Ctrl-K).
import { Link, useLocation } from "@tanstack/react-router";
import { useMe } from "../api/session";
import { useText } from "../i18n";
import { useTightestBudget } from "../pages/use/data";
import { Meter } from "../parts/small";
import { addressOf, PLACES } from "./places";

export function Rail({ onPalette }: { onPalette: () => void }) {
  const { t } = useText();
  const { pathname } = useLocation();
  return (
    <header className="rail">
      <div className="rail-in">
        <Link className="wordmark" to="/">
          Steward
        </Link>
        <nav aria-label={t("shell.main")}>
          <ul className="nav">
            {PLACES.map((place) => (
              <li key={place.to}>
                <Link to={addressOf(place)} activeProps={{}} aria-current={pathname.startsWith(place.to) ? "page" : undefined}>
                  {t(place.name)}
                </Link>
              </li>
            ))}
            <li className="only-phone">
              <button type="button" onClick={onPalette}>
                {t("shell.find")}
              </button>
            </li>
          </ul>
        </nav>
        <Foot onPalette={onPalette} />
      </div>
    </header>
  );
}

function Foot({ onPalette }: { onPalette: () => void }) {
  const { t, figures } = useText();
  const me = useMe();
  const budget = useTightestBudget();
  return (
    <div className="rail-foot">
      {budget && (
        <>
          <dl className="readout">
            <div>
              <dt>{t("shell.spent")}</dt>
              <dd>{t("use.of", { part: figures.money(budget.spent, 2), whole: figures.amount(budget.limit, 2) })}</dd>
            </div>
          </dl>
          <Meter
            label={t("shell.spent")}
            part={budget.limit > 0 ? budget.spent / budget.limit : 1}
            text={t("use.of", { part: figures.money(budget.spent, 2), whole: figures.amount(budget.limit, 2) })}
          />
        </>
      )}
      <div className="who">
        <Link className="plain" to="/settings/$part" params={{ part: "you" }} dir="auto">
          {me.name}
        </Link>
        <button type="button" className="linkish plain" aria-label={t("shell.palette")} onClick={onPalette}>
          <kbd>Ctrl K</kbd>
        </button>
      </div>
    </div>
  );
}
