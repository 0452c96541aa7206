// One message: who and when, its versions, what was said, and under an answer what it took. Two voices told apart by type, not by bubbles.
import { lazy, memo, Suspense, useState } from "react";
import type { Recalling } from "../../../api/memory";
import type { Choice, Message } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Linkish } from "../../../parts/small";
import { copyText } from "../markdown/Code";
import { useGrowing } from "../data";
import { isOpen, type Thread } from "../thread/thread";
import { Files } from "./Files";
import { Foot } from "./Foot";
import { Answer, OwnWords } from "./Words";
import { EditBox } from "./EditBox";

export interface Acts {
  mine: boolean; // else it is only read
  version: (message: Message, step: -1 | 1) => void;
  show: (id: string) => void; // the path that goes through it
  edit: (message: Message, text: string) => void;
  retry: (message: Message, choice?: Choice, recalling?: Recalling) => void; // unless said otherwise with the memory that it had
  goOn: (message: Message) => void;
  gone?: { message: string; model: string } | undefined; // it could not be gone on with: its model is not here any more
  stop: (message: Message) => void;
  editing: string | undefined;
  setEditing: (id: string | undefined) => void;
}

export const READ_ONLY: Acts = {
  mine: false,
  version: () => undefined,
  show: () => undefined,
  edit: () => undefined,
  retry: () => undefined,
  goOn: () => undefined,
  stop: () => undefined,
  editing: undefined,
  setEditing: () => undefined,
};

const Compare = lazy(() => import("./Compare"));

const LONGEST_EDIT = 100_000; // letters: a field with more of them stands still

interface Props {
  message: Message;
  thread?: Thread | undefined;
  acts: Acts;
  found?: boolean;
  owner?: string | undefined; // whose words these are, where they aren't the reader's
}

export const OneMessage = memo(function OneMessage({ message, thread, acts, found, owner }: Props) {
  const { t, times } = useText();
  const open = isOpen(message);
  const growing = useGrowing(thread, message.id, open);
  const own = message.role === "user";
  const at = new Date(message.created_at * 1000);
  const when = times.near(at);
  const name = own ? (owner ?? t("talk.you")) : message.role === "system" ? t("talk.instructions") : "Steward";
  return (
    <article className={`msg ${own ? "you" : "it"}${found ? " found" : ""}`} data-id={message.id} aria-label={t("talk.by", { name, time: when })}>
      <div className="by">
        <b dir="auto">{name}</b>
        <time dateTime={at.toISOString()}>{when}</time>
        {message.versions.count > 1 && acts.mine && <Versions of={message} acts={acts} />}
        {message.status === "queued" && <span>{t("talk.queued")}</span>}
        <span className="end acts">
          {own && acts.mine && message.status === "queued" && <Linkish onClick={() => acts.stop(message)}>{t("talk.take_back")}</Linkish>}
          {own && acts.mine && message.status !== "queued" && message.text.length <= LONGEST_EDIT && <Linkish onClick={() => acts.setEditing(message.id)}>{t("talk.edit")}</Linkish>}
          {own && <Copy text={message.text} />}
        </span>
      </div>
      {acts.editing === message.id ? (
        <EditBox message={message} onSend={(text) => acts.edit(message, text)} onLeave={() => acts.setEditing(undefined)} />
      ) : (
        <div className="body">
          {message.attachments.length > 0 && <Files of={message.attachments} />}
          {own ? <OwnWords text={message.text} /> : <Answer message={message} text={growing?.text ?? message.text} reasoning={growing?.reasoning ?? message.reasoning ?? ""} />}
        </div>
      )}
      {!own && !open && <Foot message={message} acts={acts} />}
    </article>
  );
});

function Versions({ of: message, acts }: { of: Message; acts: Acts }) {
  const { t } = useText();
  const [comparing, setComparing] = useState(false);
  const { index, count, previous, next } = message.versions;
  return (
    <>
      <span className="branch" role="group" aria-label={t("talk.versions")}>
        <button type="button" aria-label={t("talk.version.before")} disabled={!previous} onClick={() => acts.version(message, -1)}>
          ‹
        </button>
        {t("talk.version", { index, count })}
        <button type="button" aria-label={t("talk.version.after")} disabled={!next} onClick={() => acts.version(message, 1)}>
          ›
        </button>
      </span>
      {message.role === "assistant" && !isOpen(message) && <Linkish onClick={() => setComparing(true)}>{t("talk.compare")}</Linkish>}
      {comparing && (
        <Suspense>
          <Compare message={message} acts={acts} onClose={() => setComparing(false)} />
        </Suspense>
      )}
    </>
  );
}

export function Copy({ text }: { text: string }) {
  const { t } = useText();
  const [copied, setCopied] = useState(false);
  return (
    <Linkish
      onClick={() =>
        void copyText(text, t("secret.copied")).then(() => {
          setCopied(true);
          setTimeout(() => setCopied(false), 2_000);
        })
      }
    >
      {copied ? t("secret.copied") : t("secret.copy")}
    </Linkish>
  );
}
