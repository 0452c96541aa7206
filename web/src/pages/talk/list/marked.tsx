// What was found, marked in the text around it.
import type { ReactNode } from "react";

/** A text with the marked places in it; marks that lie outside of it, or over each other, are left out. */
export function markedParts(text: string, marks: readonly [number, number][]): { text: string; marked: boolean }[] {
  const parts: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const [from, to] of [...marks].sort((a, b) => a[0] - b[0])) {
    if (from < at || to <= from || to > text.length) continue;
    if (from > at) parts.push({ text: text.slice(at, from), marked: false });
    parts.push({ text: text.slice(from, to), marked: true });
    at = to;
  }
  if (at < text.length) parts.push({ text: text.slice(at), marked: false });
  return parts;
}

export function Marked({ text, marks }: { text: string; marks: readonly [number, number][] }): ReactNode {
  return markedParts(text, marks).map((part, index) => (part.marked ? <mark key={index}>{part.text}</mark> : part.text));
}
