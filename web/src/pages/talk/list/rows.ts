// The list of conversations: pages that were asked for, the first of which is asked again when something happens, and the headings between.
import type { Conversation } from "../../../api/talk";

/** The newest page over what was there: what should be in it and isn't has gone; what lies after it stays. */
export function withTop(had: readonly Conversation[], top: readonly Conversation[], more: boolean): Conversation[] {
  if (!more) return [...top];
  const last = top[top.length - 1];
  if (!last) return [...had];
  const fresh = new Set(top.map((one) => one.id));
  const after = (one: Conversation) => one.updated_at < last.updated_at || (one.updated_at === last.updated_at && one.id < last.id);
  return [...top, ...had.filter((one) => !fresh.has(one.id) && after(one))];
}

/** The page after what was there; a conversation that moved up meanwhile is not told twice. */
export function withNext(had: readonly Conversation[], next: readonly Conversation[]): Conversation[] {
  const known = new Set(had.map((one) => one.id));
  return [...had, ...next.filter((one) => !known.has(one.id))];
}

export type Era = { kind: "pinned" } | { kind: "today" } | { kind: "yesterday" } | { kind: "earlier"; month: Date } | { kind: "month"; month: Date };
export type ListRow = { heading: Era; key: string } | { conversation: Conversation; key: string };

function dayOf(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Under which heading it stands by its time: today, yesterday, earlier this month, or its month. */
export function eraOf(one: Conversation, now: Date): { era: Era; key: string } {
  const at = new Date(one.updated_at * 1000);
  const days = Math.round((dayOf(now) - dayOf(at)) / 86_400_000);
  if (days <= 0) return { era: { kind: "today" }, key: "today" };
  if (days === 1) return { era: { kind: "yesterday" }, key: "yesterday" };
  const month = new Date(at.getFullYear(), at.getMonth(), 1);
  const key = `${at.getFullYear()}-${at.getMonth()}`;
  const same = at.getFullYear() === now.getFullYear() && at.getMonth() === now.getMonth();
  return { era: { kind: same ? "earlier" : "month", month }, key };
}

/** `apart`: what is pinned stands first, under a heading of its own. In the archive nothing does. */
export function rowsOf(pinned: readonly Conversation[], all: readonly Conversation[], now: Date, apart = true): ListRow[] {
  const rows: ListRow[] = [];
  const told = new Set(pinned.map((one) => one.id));
  const top = apart ? [...pinned, ...all.filter((one) => one.pinned && !told.has(one.id))] : [];
  const above = new Set(top.map((one) => one.id));
  if (top.length > 0) rows.push({ heading: { kind: "pinned" }, key: "h-pinned" });
  for (const one of top) rows.push({ conversation: one, key: one.id });
  let last = "";
  for (const one of all.filter((other) => !above.has(other.id))) {
    const { era, key } = eraOf(one, now);
    if (key !== last) rows.push({ heading: era, key: `h-${key}` });
    last = key;
    rows.push({ conversation: one, key: one.id });
  }
  return rows;
}
