// What is being typed, kept for each conversation: at every letter, so that a closed tab, a crash or a visit elsewhere costs nothing.
import { useCallback, useEffect, useRef, useState } from "react";
import type { Attachment } from "../../../api/talk";
import type { Kept } from "../thread/kept";

export interface Draft {
  text: string;
  attachments: Attachment[];
  remember?: false | undefined; // of a conversation that has not begun: it is to leave no trace in memory
}
const EMPTY: Draft = { text: "", attachments: [] };
const CHANGED = "steward.draft";

const keyOf = (conversation: string) => `draft.${conversation}`;

const isEmpty = (draft: Draft) => draft.text === "" && draft.attachments.length === 0 && draft.remember !== false;

/** Before what is typed there already comes what is put in. */
export async function putIntoDraft(kept: Kept, conversation: string, more: Draft): Promise<void> {
  const had = (await kept.get<Draft>(keyOf(conversation))) ?? EMPTY;
  const draft = { ...had, ...(more.remember === false ? { remember: false as const } : {}), text: [more.text, had.text].filter(Boolean).join("\n\n"), attachments: [...more.attachments, ...had.attachments] };
  await kept.set(keyOf(conversation), draft);
  dispatchEvent(new CustomEvent(CHANGED, { detail: conversation }));
}

export function useDraft(kept: Kept, conversation: string) {
  const key = keyOf(conversation);
  const [draft, setDraft] = useState<Draft>(() => kept.peek<Draft>(key) ?? EMPTY);
  const touched = useRef(false);
  useEffect(() => {
    let current = true;
    const load = () =>
      void kept.get<Draft>(key).then((found) => {
        if (current && found && !touched.current) setDraft(found); // a large one comes a moment later
      });
    load();
    const changed = (event: Event) => {
      if ((event as CustomEvent<string>).detail !== conversation) return;
      touched.current = false;
      load();
    };
    addEventListener(CHANGED, changed);
    return () => {
      current = false;
      removeEventListener(CHANGED, changed);
    };
  }, [kept, key, conversation]);
  const change = useCallback(
    (next: Draft) => {
      touched.current = true;
      setDraft(next);
      void (isEmpty(next) ? kept.remove(key) : kept.set(key, next));
    },
    [kept, key],
  );
  return { draft, change };
}
