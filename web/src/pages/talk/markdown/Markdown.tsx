// What somebody wrote, as markdown: blocks, each drawn once and not again while it stays the same. Elements are made one by one from the
// tree; no HTML is ever written from a text.
import { memo, useMemo, useRef } from "react";
import { NotesAround, notesOf, type Notes } from "./notes";
import { NoteList } from "./NoteList";
import { GrowingBlocks, definitionsOf, type Block } from "./blocks";
import { Code } from "./Code";
import { Drawn } from "./elements";
import { Maths } from "./Maths";
import { treeOf } from "./parse";
import { settled } from "./settle";

interface Props {
  text: string;
  arriving?: boolean;
}

export default function Markdown({ text, arriving = false }: Props) {
  const cutter = useRef<GrowingBlocks>(null);
  cutter.current ??= new GrowingBlocks();
  const blocks = cutter.current.of(text);
  const definitions = useMemo(() => definitionsOf(text), [text]);
  const notes = useNotes(blocks, arriving);
  return (
    <NotesAround value={notes}>
      <div className={arriving ? "md arriving" : "md"}>
        {blocks.map((block, index) => (
          <OneBlock key={index} block={block} definitions={definitions} arriving={arriving && index === blocks.length - 1} />
        ))}
        {notes.order.some((label) => notes.texts.has(label)) && <NoteList notes={notes} definitions={definitions} />}
      </div>
    </NotesAround>
  );
}

/** The same object as long as the notes are the same, so that blocks which are done aren't drawn again. */
function useNotes(blocks: readonly Block[], arriving: boolean): Notes {
  const last = useRef<Notes>(undefined);
  const now = useMemo(() => notesOf(blocks, arriving), [blocks, arriving]);
  if (last.current?.key !== now.key) last.current = now;
  return last.current;
}

interface BlockProps {
  block: Block;
  definitions: string;
  arriving: boolean;
}

const OneBlock = memo(
  function OneBlock({ block, definitions, arriving }: BlockProps) {
    switch (block.kind) {
      case "code":
        return <Code language={block.language} code={block.code} open={block.open && arriving} />;
      case "math":
        return block.open && arriving ? <pre className="mathsource">{block.tex}</pre> : <Maths tex={block.tex} display />;
      case "note":
        return null;
      case "plain":
        return (
          <p className="asis" dir="auto">
            {block.raw}
          </p>
        );
      default:
        return <Read raw={arriving ? settled(block.raw) : block.raw} definitions={definitions} />;
    }
  },
  (a, b) => a.arriving === b.arriving && (a.block === b.block || same(a.block, b.block)) && a.definitions === b.definitions,
);

function same(a: Block, b: Block): boolean {
  if (a.kind === "code" && b.kind === "code") return a.code === b.code && a.open === b.open && a.language === b.language;
  if (a.kind === "math" && b.kind === "math") return a.tex === b.tex && a.open === b.open;
  return a.kind === b.kind && "raw" in a && "raw" in b && a.raw === b.raw;
}

const Read = memo(function Read({ raw, definitions }: { raw: string; definitions: string }) {
  const tree = useMemo(() => treeOf(raw, definitions), [raw, definitions]);
  return <Drawn tree={tree} />;
});
