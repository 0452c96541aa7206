// What can be done with messages: each act calls the server, which tells every window what became of it.
import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { newId } from "../../../api/ids";
import { asApiError } from "../../../api/errors";
import { recallingOf } from "../../../api/memory";
import { talk, type Choice, type Conversation } from "../../../api/talk";
import { useErrorText } from "../../../parts/form";
import { choiceOf, nameOf, useOffered, usePlace, useWorld } from "../data";
import { putIntoDraft } from "../compose/draft";
import type { Thread } from "../thread/thread";
import { beside, editOf } from "../thread/versions";
import type { Acts } from "./Message";

export function useActs(thread: Thread, conversation: Conversation | undefined, choice: string): Acts & { problem: string; drop: () => void } {
  const { outbox, kept } = useWorld();
  const { names } = useOffered();
  const words = useErrorText();
  const place = usePlace(thread.conversation);
  const [editing, setEditing] = useState<string>();
  const [gone, setGone] = useState<Acts["gone"]>();
  const doing = useMutation({ mutationFn: (act: () => Promise<unknown>) => act(), onSettled: () => thread.refreshSoon() });
  const { mutate: run } = doing;
  const { mutate: go } = place;
  const mine = conversation?.mine ?? true;
  const acts = useMemo<Acts>(() => {
    const id = thread.conversation;
    return {
      mine,
      gone,
      editing,
      setEditing,
      version: (message, step) => {
        const other = beside(message.versions, step);
        if (other) go({ current: other });
      },
      show: (other) => go({ current: other }),
      edit: (message, text) => {
        setEditing(undefined);
        // Beside the one that was changed, under an id made here: it is kept and sent as any other.
        void outbox.send({ id: newId("msg"), conversation: id, text, attachments: message.attachments, ...editOf(message), ...choiceOf(choice) });
      },
      retry: (message, chosen, recalling = recallingOf(message.memory)) => {
        // Whoever answered then; who is not here any more gives way to who answers next.
        setGone(undefined);
        const before = nameOf(message);
        const with_: Choice = chosen ?? choiceOf(before && (names.includes(before) || !choice) ? before : choice);
        run(async () => thread.put([(await talk.retry(id, message.id, { ...with_, ...recalling })).answer]));
      },
      goOn: (message) =>
        run(async () => {
          setGone(undefined);
          try {
            await talk.goOn(id, message.id);
          } catch (error) {
            const { code, details } = asApiError(error);
            if (code !== "model_not_found") throw error;
            setGone({ message: message.id, model: String(details.model ?? message.model ?? "") });
          }
        }),
      stop: (message) =>
        run(async () => {
          await talk.stop(id, message.id);
          // One that only waited is taken back: what it said goes where it was typed.
          if (message.role === "user") await putIntoDraft(kept, id, { text: message.text, attachments: message.attachments });
        }),
    };
  }, [thread, mine, editing, gone, choice, names, go, run, outbox, kept]);
  const error = doing.error ?? place.error;
  return { ...acts, problem: error ? words(error) : "", drop: doing.reset };
}
