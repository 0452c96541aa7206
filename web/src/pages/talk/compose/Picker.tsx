// Who answers: the two routes by name, or one model of those that are here. A provider that refuses its key is named in the place of its
// models, which can't answer.
import { useText } from "../../../i18n";
import { ROUTES, useOffered } from "../data";

export function Picker({ value, onChoose }: { value: string; onChoose: (name: string) => void }) {
  const { t } = useText();
  const { names, refused } = useOffered();
  const routes = ROUTES.filter((one) => names.includes(one));
  const others = names.filter((one) => !(ROUTES as readonly string[]).includes(one));
  const other = (ROUTES as readonly string[]).includes(value) ? "" : value;
  const models = [
    ...(other && !others.includes(other) ? [other, ...others] : others).map((one) => (
      <option key={one} value={one}>
        {one}
      </option>
    )),
    ...refused.map((one) => (
      <option key={`/${one.provider}`} disabled>
        {t("talk.key_refused", { provider: one.provider, count: one.models })}
      </option>
    )),
  ];
  // Where one model is all there is, there is nothing to choose.
  if (others.length === 1 && refused.length === 0 && (other === "" || other === others[0]))
    return (
      <span className="meta only-one" title={t("talk.model")} dir="auto">
        {others[0]}
      </span>
    );
  return (
    <>
      <span className="seg only-wide" role="group" aria-label={t("talk.route")}>
        {routes.map((one) => (
          <button key={one} type="button" aria-pressed={one === value} onClick={() => onChoose(one)}>
            {t(`talk.route.${one}`)}
          </button>
        ))}
      </span>
      <select className="slim only-wide" aria-label={t("talk.model")} value={other} onChange={(event) => onChoose(event.target.value)} data-chosen={other ? "" : undefined}>
        {!other && <option value="">{t("talk.other_model")}</option>}
        {models}
      </select>
      <select className="slim only-phone" aria-label={t("talk.model")} value={value} onChange={(event) => onChoose(event.target.value)}>
        {routes.map((one) => (
          <option key={one} value={one}>
            {t(`talk.route.${one}`)}
          </option>
        ))}
        {models}
      </select>
    </>
  );
}
