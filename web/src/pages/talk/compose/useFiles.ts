// The files of a draft: those that are being sent and those that are there.
import { useCallback, useEffect, useRef, useState } from "react";
import { asApiError } from "../../../api/errors";
import { talk, type Attachment } from "../../../api/talk";
import { useText } from "../../../i18n";
import { useErrorText } from "../../../parts/form";
import { announce } from "../../../shell/announce";
import { untilRead, upload, type Sending } from "./upload";

export interface FileOnItsWay {
  key: string;
  name: string;
  bytes: number;
  part: number; // 0 to 1
  why?: string | undefined; // it could not be sent
}

export const MOST_FILES = 20; // of one message
const LARGE_BYTES = 32_000_000; // a server may close the line on what is larger than it takes

async function isGone(id: string): Promise<boolean> {
  try {
    await talk.attachment(id);
    return false;
  } catch (error) {
    return asApiError(error).status === 404;
  }
}

/** `attachments` and `change`: those of the draft, which outlive this page. */
export function useFiles(attachments: readonly Attachment[], change: (how: (had: readonly Attachment[]) => Attachment[]) => void) {
  const [sending, setSending] = useState<FileOnItsWay[]>([]);
  const running = useRef(new Map<string, Sending>());
  const alive = useRef(true);
  const { t } = useText();
  const said = useRef(t);
  said.current = t;
  const words = useRef((error: unknown) => String(error));
  words.current = useErrorText();
  const changing = useRef(change);
  changing.current = change;
  useEffect(() => {
    alive.current = true;
    const all = running.current;
    return () => {
      alive.current = false;
      for (const one of all.values()) one.abort();
    };
  }, []);

  const seen = useCallback((now: Attachment) => changing.current((had) => had.map((one) => (one.id === now.id ? now : one))), []);
  // What a reload found half read is asked for until it is read.
  const reading = attachments.filter((one) => one.state === "reading").map((one) => one.id).join(" ");
  const latest = useRef(attachments);
  latest.current = attachments;
  useEffect(() => {
    let current = true;
    for (const one of latest.current) if (one.state === "reading") void untilRead(one, seen, () => current);
    return () => {
      current = false;
    };
  }, [reading, seen]);

  // A draft may be older than the server keeps what was never sent: asked once, when it is opened.
  const checked = useRef(new Set<string>());
  const ids = attachments.map((one) => one.id).join(" ");
  useEffect(() => {
    for (const one of latest.current) {
      if (checked.current.has(one.id) || one.state === "gone") continue;
      checked.current.add(one.id);
      void isGone(one.id).then((gone) => gone && alive.current && seen({ ...one, state: "gone" }));
    }
  }, [ids, seen]);

  const add = useCallback((files: readonly File[]) => {
    const room = Math.max(0, MOST_FILES - latest.current.length - running.current.size);
    if (files.length > room) announce(said.current("talk.files.most", { count: MOST_FILES }));
    for (const file of files.slice(0, room)) {
      const key = `${file.name} ${file.size} ${Math.random()}`;
      const patch = (how: Partial<FileOnItsWay>) => setSending((had) => had.map((one) => (one.key === key ? { ...one, ...how } : one)));
      const one = upload(file, (part) => patch({ part }));
      running.current.set(key, one);
      setSending((had) => [...had, { key, name: file.name || "file", bytes: file.size, part: 0 }]);
      one.done
        .then((attachment) => {
          setSending((had) => had.filter((other) => other.key !== key));
          checked.current.add(attachment.id);
          changing.current((had) => [...had, attachment]);
        })
        .catch((error: unknown) => {
          const { code, status } = asApiError(error);
          const large = status === 0 && file.size > LARGE_BYTES;
          if (alive.current && code !== "taken_back") patch({ why: large ? said.current("talk.file.too_large") : words.current(error) });
        })
        .finally(() => running.current.delete(key));
    }
  }, []);

  const takeBack = useCallback((key: string) => {
    running.current.get(key)?.abort();
    setSending((had) => had.filter((one) => one.key !== key));
  }, []);
  const remove = useCallback((attachment: Attachment) => {
    changing.current((had) => had.filter((one) => one.id !== attachment.id));
    if (attachment.state === "gone") return;
    void talk.dropAttachment(attachment.id).catch(() => undefined); // it is out of the message either way; the server erases what is never sent
  }, []);
  return { sending, add, takeBack, remove };
}
