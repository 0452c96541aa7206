// Shown once, after the first link: that one can talk already.
import { Link } from "@tanstack/react-router";
import { useText } from "../../i18n";
import { useModels } from "../talk/data";

export default function Arrived() {
  const { t } = useText();
  if ((useModels().data?.length ?? 0) === 0) return null;
  return (
    <p className="arrived">
      {t("settings.arrived")}{" "}
      <Link to="/talk/{-$id}" params={{ id: undefined }}>
        {t("settings.arrived.talk")}
      </Link>
    </p>
  );
}
