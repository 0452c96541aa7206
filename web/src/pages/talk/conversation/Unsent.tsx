// A message on its way: it stands where it will stand. What could not be sent says why, and can be sent again, changed, or given up.
import { useText } from "../../../i18n";
import { useToldText } from "../../../parts/form";
import { Linkish } from "../../../parts/small";
import { useWorld } from "../data";
import type { Waiting } from "../thread/outbox";
import { putIntoDraft } from "../compose/draft";
import { Files } from "./Files";
import { OwnWords } from "./Words";

export function Unsent({ of: one }: { of: Waiting }) {
  const { t, times } = useText();
  const world = useWorld();
  const words = useToldText();
  const change = async () => {
    const back = await world.outbox.takeBack(one.id);
    if (back) await putIntoDraft(world.kept, one.conversation, back);
  };
  return (
    <article className="msg you unsent" aria-label={t("talk.by", { name: t("talk.you"), time: times.clock(new Date(one.at)) })}>
      <div className="by">
        <b>{t("talk.you")}</b>
        <span role="status">{one.state === "refused" ? <span className="need">{t("talk.not_sent")}</span> : t(one.state === "sending" ? "talk.sending" : "talk.waits")}</span>
        <span className="end acts">
          {one.state === "waiting" && <Linkish onClick={() => world.outbox.again()}>{t("offline.now")}</Linkish>}
          {one.state === "refused" && <Linkish onClick={() => world.outbox.retry(one.id)}>{t("talk.send_again")}</Linkish>}
          {one.state !== "sending" && <Linkish onClick={() => void change()}>{t("talk.edit")}</Linkish>}
          {one.state === "refused" && <Linkish onClick={() => void world.outbox.takeBack(one.id)}>{t("talk.give_up")}</Linkish>}
        </span>
      </div>
      <div className="body">
        {one.attachments.length > 0 && <Files of={one.attachments} />}
        <OwnWords text={one.text} />
        {one.why && (
          <p className="failed" role="alert" dir="auto">
            {words({ code: one.code ?? "", message: one.why, details: one.details })}
          </p>
        )}
      </div>
    </article>
  );
}
