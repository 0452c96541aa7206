// The same question to another model or route: its answer stands beside the one that is there.
import { useState } from "react";
import type { Choice as Chosen, Message } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Sheet } from "../../../parts/dialog";
import { Choice } from "../../../parts/form";
import { choiceOf, nameOf, ROUTES, useOffered } from "../data";

export function RetryWith({ message, onRetry, onClose }: { message: Message; onRetry: (choice: Chosen) => void; onClose: () => void }) {
  const { t } = useText();
  const { names, refused } = useOffered();
  const now = nameOf(message);
  const others = names.filter((name) => name !== now);
  const refusedText = refused.map((one) => t("talk.key_refused", { provider: one.provider, count: one.models })).join("; ");
  const [name, setName] = useState("");
  const chosen = name || others.find((one) => (ROUTES as readonly string[]).includes(one)) || others[0] || now;
  const called = (one: string) => ROUTES.filter((route) => route === one).map((route) => t(`talk.route.${route}`))[0] ?? one;
  return (
    <Sheet title={t("talk.again_with.title")} about={t("talk.again_with.about")} open onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          onRetry(choiceOf(chosen));
          onClose();
        }}
      >
        <Choice label={t("talk.model")} value={chosen} onChange={(event) => setName(event.target.value)} options={(others.length ? others : [now]).map((one) => [one, called(one)] as const)} hint={refusedText} />
        <div className="answers">
          <button className="btn btn-fill" disabled={!chosen}>
            {t("talk.again_with.act")}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            {t("act.leave")}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
