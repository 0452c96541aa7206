// Footnotes as one sees them: a raised number in the text that leads to the note, and the notes at the end, each leading back.
import { useContext, useMemo, type MouseEvent } from "react";
import { useText } from "../../../i18n";
import { Drawn } from "./elements";
import { NotesAround, partedAtNotes, type Notes } from "./notes";
import { treeOf } from "./parse";

/** To the other end of a note, in the same text: the first that has this mark. */
function lead(event: MouseEvent<HTMLElement>, to: "ref" | "note", number: number): void {
  const other = event.currentTarget.closest(".md")?.querySelector<HTMLElement>(`[data-${to}="${number}"]`);
  other?.scrollIntoView({ block: "center" });
  other?.focus({ preventScroll: true });
}

/** Words with the numbers of their notes. */
export function Noted({ text }: { text: string }) {
  const { t } = useText();
  const notes = useContext(NotesAround);
  return (
    <>
      {partedAtNotes(text, notes).map((part, index) =>
        typeof part === "string" ? (
          part
        ) : (
          <sup key={index} className="noteref">
            <button type="button" data-ref={part.number} aria-label={t("talk.note", { number: part.number })} title={notes.texts.get(part.label)?.slice(0, 300)} onClick={(event) => lead(event, "note", part.number)}>
              {part.number}
            </button>
          </sup>
        ),
      )}
    </>
  );
}

export function NoteList({ notes, definitions }: { notes: Notes; definitions: string }) {
  const { t } = useText();
  return (
    <section className="notes" aria-label={t("talk.notes")}>
      <ol>
        {notes.order.map((label, index) => {
          const text = notes.texts.get(label);
          return text === undefined ? null : (
            <li key={label} value={index + 1} data-note={index + 1} tabIndex={-1} dir="auto">
              <NoteText raw={text} definitions={definitions} />{" "}
              <button type="button" className="linkish" aria-label={t("talk.note.back", { number: index + 1 })} onClick={(event) => lead(event, "ref", index + 1)}>
                ↩
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function NoteText({ raw, definitions }: { raw: string; definitions: string }) {
  const tree = useMemo(() => treeOf(raw, definitions), [raw, definitions]);
  return <Drawn tree={tree} />;
}
