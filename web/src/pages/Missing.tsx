// Not there, or not yours: the same words for both.
import { Link } from "@tanstack/react-router";
import { useText } from "../i18n";
import { useTitle } from "../shell/title";

export function Missing() {
  const { t } = useText();
  useTitle(t("missing.title"));
  return (
    <div className="face alone">
      <h1>{t("missing.title")}</h1>
      <p>{t("missing.about")}</p>
      <div className="answers">
        <Link className="btn" to="/use">
          {t("nav.use")}
        </Link>
        <Link className="btn" to="/settings">
          {t("nav.settings")}
        </Link>
      </div>
    </div>
  );
}
