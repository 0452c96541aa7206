// Where one writes. Enter sends (on a touch screen it begins a line), Shift Enter begins a line, Ctrl Enter sends always; an Enter that
// belongs to an input method does neither. While an answer is written, what is sent waits its turn, and Stop is one key away.
import { forwardRef, useImperativeHandle, useRef, type ClipboardEvent, type KeyboardEvent } from "react";
import { attachmentAddress, type Attachment } from "../../../api/talk";
import { useText } from "../../../i18n";
import { composing } from "../../../shell/keyboard";
import { useWorld } from "../data";
import { FileFacts, SHOWN } from "../conversation/Files";
import { Dictation } from "./Dictation";
import { useDraft } from "./draft";
import { Picker } from "./Picker";
import { NoTrace, TraceSwitch } from "./Trace";
import { useFiles, type FileOnItsWay } from "./useFiles";
import { Writing } from "./Writing";

export interface ComposerHandle {
  focus: () => void;
  add: (files: readonly File[]) => void;
}

interface Props {
  conversation: string; // or "new"
  choice: string; // the route or model that answers
  onChoose: (name: string) => void;
  onSend: (text: string, attachments: Attachment[], choice: string, remember: boolean) => void;
  since: number | undefined; // when the answer that is written began, unix ms
  onStop: () => void;
}

const LONGEST_PASTE = 30_000; // letters
const LONG_TEXT = 10_000; // letters from which the field no longer fits itself to its text, which takes its time

const touch = () => matchMedia("(pointer: coarse)").matches;

export const Composer = forwardRef<ComposerHandle, Props>(function Composer({ conversation, choice, onChoose, onSend, since, onStop }, handle) {
  const { t } = useText();
  const { kept } = useWorld();
  const { draft, change } = useDraft(kept, conversation);
  const now = useRef(draft);
  now.current = draft;
  const files = useFiles(draft.attachments, (how) => {
    now.current = { ...now.current, attachments: how(now.current.attachments) };
    change(now.current);
  });
  const field = useRef<HTMLTextAreaElement>(null);
  const pick = useRef<HTMLInputElement>(null);
  useImperativeHandle(handle, () => ({ focus: () => field.current?.focus(), add: files.add }), [files.add]);

  const uploading = files.sending.some((one) => !one.why);
  const gone = draft.attachments.some((one) => one.state === "gone");
  const empty = draft.text.trim() === "" && draft.attachments.length === 0;
  const send = () => {
    if (empty || uploading || gone || !choice) return;
    onSend(draft.text, draft.attachments, choice, draft.remember !== false);
    now.current = { text: "", attachments: [] };
    change(now.current);
    field.current?.focus();
  };
  const type = (text: string) => {
    now.current = { ...now.current, text };
    change(now.current);
  };
  const leaveTrace = (off: boolean) => {
    now.current = { ...now.current, remember: off ? false : undefined };
    change(now.current);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || composing(event) || event.shiftKey || event.altKey) return;
    if (touch() && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    send();
  };
  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...event.clipboardData.files];
    const text = event.clipboardData.getData("text/plain");
    // A book is no message: it comes along as a file, which can be looked at and taken back.
    if (text.length > LONGEST_PASTE) pasted.push(new File([text], `${t("talk.pasted")}.txt`, { type: "text/plain" }));
    if (pasted.length === 0) return;
    event.preventDefault();
    files.add(pasted);
  };
  return (
    <div className="compose">
      <FileRow sending={files.sending} attachments={draft.attachments} onTakeBack={files.takeBack} onRemove={files.remove} />
      <textarea
        ref={field}
        dir="auto"
        rows={1}
        className={draft.text.length > LONG_TEXT ? "long" : undefined}
        aria-label={t("talk.compose")}
        placeholder={t(since ? "talk.compose.more" : "talk.compose.say")}
        value={draft.text}
        onChange={(event) => type(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      {draft.remember === false && <NoTrace />}
      <div className="foot">
        <button type="button" className="btn btn-quiet" onClick={() => pick.current?.click()}>
          {t("talk.attach")}
        </button>
        <input
          ref={pick}
          type="file"
          multiple
          hidden
          aria-label={t("talk.attach")}
          onChange={(event) => {
            files.add([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
        <Dictation onText={(said) => type([now.current.text.trimEnd(), said].filter(Boolean).join(" "))} />
        <Picker value={choice} onChoose={onChoose} />
        {conversation === "new" && <TraceSwitch off={draft.remember === false} onChange={leaveTrace} />}
        <Writing since={since} />
        {since !== undefined && (
          <button
            type="button"
            className="btn btn-stop"
            onClick={() => {
              onStop();
              if (!touch()) field.current?.focus(); // the button goes, and the focus would go with it
            }}
          >
            {t("talk.stop")} <kbd>Esc</kbd>
          </button>
        )}
        <button type="button" className="btn btn-fill" disabled={empty || uploading || gone || !choice} title={uploading ? t("talk.wait_for_files") : gone ? t("talk.file.gone") : undefined} onClick={send}>
          {t("talk.send")}
        </button>
      </div>
    </div>
  );
});

interface FileRowProps {
  sending: readonly FileOnItsWay[];
  attachments: readonly Attachment[];
  onTakeBack: (key: string) => void;
  onRemove: (one: Attachment) => void;
}

function FileRow({ sending, attachments, onTakeBack, onRemove }: FileRowProps) {
  const { t, figures } = useText();
  if (sending.length === 0 && attachments.length === 0) return null;
  return (
    <ul className="files" aria-label={t("talk.files")}>
      {attachments.map((one) => (
        <li key={one.id} className="file">
          {SHOWN.test(one.type) && one.state !== "gone" && <img src={attachmentAddress(one.id)} alt="" />}
          <bdi>{one.name}</bdi> <FileFacts of={one} />
          <button type="button" className="linkish" aria-label={t("talk.file.remove", { name: one.name })} onClick={() => onRemove(one)}>
            {t("act.remove")}
          </button>
        </li>
      ))}
      {sending.map((one) => (
        <li key={one.key} className="file">
          <bdi>{one.name}</bdi>
          {one.why ? (
            <span className="need" role="alert" dir="auto">
              {one.why}
            </span>
          ) : (
            <>
              <progress max={1} value={one.part} aria-label={t("talk.file.sent", { name: one.name })} />
              <span className="meta">{t("use.of", { part: figures.bytes(Math.max(1, one.part * one.bytes)), whole: figures.bytes(one.bytes) })}</span>
            </>
          )}
          <button type="button" className="linkish" aria-label={t("talk.file.remove", { name: one.name })} onClick={() => onTakeBack(one.key)}>
            {t(one.why ? "act.remove" : "talk.take_back")}
          </button>
        </li>
      ))}
    </ul>
  );
}
