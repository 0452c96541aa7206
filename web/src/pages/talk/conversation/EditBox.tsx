// A message changed: what is sent stands beside what was, as another version. What is typed here is kept too.
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import type { Message } from "../../../api/talk";
import { useText } from "../../../i18n";
import { composing } from "../../../shell/keyboard";
import { useWorld } from "../data";

export function EditBox({ message, onSend, onLeave }: { message: Message; onSend: (text: string) => void; onLeave: () => void }) {
  const { t } = useText();
  const { kept } = useWorld();
  const key = `edit.${message.id}`;
  const [text, setText] = useState(() => kept.peek<string>(key) ?? message.text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(field.current.value.length, field.current.value.length);
  }, []);
  const send = () => {
    if (text.trim() === "") return;
    void kept.remove(key);
    onSend(text);
  };
  const leave = () => {
    void kept.remove(key);
    // The field goes: the focus goes back to what opened it.
    field.current?.closest(".msg")?.querySelector<HTMLElement>(".by .acts button")?.focus();
    onLeave();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (composing(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="compose editing">
      <textarea
        ref={field}
        dir="auto"
        aria-label={t("talk.edit.label")}
        value={text}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setText(event.target.value);
          void kept.set(key, event.target.value);
        }}
      />
      <div className="foot">
        <span className="meta only-wide">{t("talk.edit.about")}</span>
        <button type="button" className="btn end" onClick={leave}>
          {t("act.leave")}
        </button>
        <button type="button" className="btn btn-fill" disabled={text.trim() === ""} onClick={send}>
          {t("talk.send")}
        </button>
      </div>
    </div>
  );
}
