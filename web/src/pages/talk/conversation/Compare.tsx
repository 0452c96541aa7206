// Two versions of an answer beside each other, one under the other where it is narrow; each side can be turned to any version, and the
// conversation can go on from either.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { talk, type Message } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Sheet } from "../../../parts/dialog";
import { Shown } from "../../../parts/faces";
import { beside } from "../thread/versions";
import type { Acts } from "./Message";
import { Files } from "./Files";
import { Figures } from "./Foot";
import { useMemoryWords } from "./MemoryWords";
import { Answer, OwnWords } from "./Words";

interface Props {
  message: Message; // the one that is shown in the conversation
  acts: Acts;
  onClose: () => void;
}

export default function Compare({ message, acts, onClose }: Props) {
  const { t } = useText();
  // The one before it on the left, else the one after it on the right.
  const before = beside(message.versions, -1);
  const [left, setLeft] = useState(before ?? message.id);
  const [right, setRight] = useState(before ? message.id : (beside(message.versions, 1) ?? message.id));
  const keep = (id: string) => {
    if (id !== message.id) acts.show(id);
    onClose();
  };
  return (
    <Sheet title={t("talk.compare.title")} wide open onClose={onClose}>
      <div className="compare">
        {([[left, setLeft], [right, setRight]] as const).map(([id, turn], side) => (
          <Side key={side} id={id} of={message} turn={turn} keep={acts.mine ? () => keep(id) : undefined} />
        ))}
      </div>
      <div className="answers">
        <button type="button" className="btn" onClick={onClose}>
          {t("act.close")}
        </button>
      </div>
    </Sheet>
  );
}

/** A version by itself: of the path that goes through it, what follows its parent. */
async function versionOf(of: Message, id: string): Promise<Message> {
  if (id === of.id) return of;
  const { data } = await talk.messages(of.conversation, { at: id, after: of.parent ?? undefined, limit: 1 });
  const found = data.find((one) => one.id === id);
  if (!found) throw new Error("it is not there any more");
  return found;
}

function Side({ id, of, turn, keep }: { id: string; of: Message; turn: (id: string) => void; keep: (() => void) | undefined }) {
  const { t, times } = useText();
  const words = useMemoryWords();
  const version = useQuery({ queryKey: ["conversation", of.conversation, "version", id], queryFn: () => versionOf(of, id), placeholderData: (had) => had });
  return (
    <section aria-label={version.data && t("talk.version", { index: version.data.versions.index, count: version.data.versions.count })}>
      <Shown of={version}>
        {(one) => {
          const at = new Date(one.created_at * 1000);
          const step = (by: -1 | 1) => () => {
            const other = beside(one.versions, by);
            if (other) turn(other);
          };
          return (
            <>
              <div className="side-h meta">
                <span className="branch" role="group" aria-label={t("talk.versions")}>
                  <button type="button" aria-label={t("talk.version.before")} disabled={!one.versions.previous} onClick={step(-1)}>
                    ‹
                  </button>
                  {t("talk.version", { index: one.versions.index, count: one.versions.count })}
                  <button type="button" aria-label={t("talk.version.after")} disabled={!one.versions.next} onClick={step(1)}>
                    ›
                  </button>
                </span>
                <time dateTime={at.toISOString()}>{times.near(at)}</time>
                {one.id === of.id && <span>{t("talk.compare.here")}</span>}
              </div>
              <div className="body" tabIndex={0}>
                {one.attachments.length > 0 && <Files of={one.attachments} />}
                {one.role === "user" ? <OwnWords text={one.text} /> : <Answer message={one} text={one.text} reasoning={one.reasoning ?? ""} />}
              </div>
              <div className="foot meta">
                <Figures message={one} linked={false} />
                {keep && words(one.memory) && <span>{words(one.memory)}</span>}
              </div>
              {keep && (
                <button type="button" className="btn" onClick={keep}>
                  {t(one.id === of.id ? "talk.compare.stay" : "talk.compare.go_on")}
                </button>
              )}
            </>
          );
        }}
      </Shown>
    </section>
  );
}
