// Footnotes: "[^1]" in the text, "[^1]: what it says" anywhere in it. They are numbered as they are first referred to and stand at the end.
import { createContext } from "react";
import type { Block } from "./blocks";

const MARK = /\[\^([^\]\s]{1,60})\]/g;
const CODE = /(`+)(?!`)[^]*?(?<!`)\1(?!`)/g;
const MOST = 500;

export interface Notes {
  order: readonly string[]; // labels, as they are numbered
  texts: ReadonlyMap<string, string>;
  key: string; // the same: nothing changed
}

export const NO_NOTES: Notes = { order: [], texts: new Map(), key: "" };
export const NotesAround = createContext<Notes>(NO_NOTES);

/** While a text arrives its notes come last: a numbered mark is taken for one already, or it would turn into one before the reader's eyes. */
export function notesOf(blocks: readonly Block[], arriving: boolean): Notes {
  const texts = new Map<string, string>();
  for (const block of blocks) if (block.kind === "note" && !texts.has(block.label) && texts.size < MOST) texts.set(block.label, block.raw);
  if (texts.size === 0 && !arriving) return NO_NOTES;
  const order = new Set<string>();
  const look = (raw: string) => {
    if (!raw.includes("[^")) return;
    for (const [, label = ""] of raw.replace(CODE, "").matchAll(MARK)) if ((texts.has(label) || (arriving && /^\d{1,3}$/.test(label))) && order.size < MOST) order.add(label);
  };
  for (const block of blocks) if (block.kind === "text") look(block.raw);
  for (const block of blocks) if (block.kind === "note" && order.has(block.label)) look(block.raw);
  const all = [...order];
  return all.length === 0 ? NO_NOTES : { order: all, texts, key: JSON.stringify(all.map((label) => [label, texts.get(label) ?? null])) };
}

/** A text parted at the marks of notes that there are: words, and numbers from 1. */
export function partedAtNotes(text: string, notes: Notes): (string | { number: number; label: string })[] {
  const out: (string | { number: number; label: string })[] = [];
  let at = 0;
  for (const found of text.matchAll(MARK)) {
    const number = notes.order.indexOf(found[1] ?? "") + 1;
    if (number === 0) continue;
    if (found.index > at) out.push(text.slice(at, found.index));
    out.push({ number, label: found[1] ?? "" });
    at = found.index + found[0].length;
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}
