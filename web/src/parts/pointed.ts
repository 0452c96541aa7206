// A row that an address points at ("/settings/keys#key_…"): it comes into sight, has the focus, and is marked.
import { useLocation } from "@tanstack/react-router";

function intoSight(row: HTMLElement | null): void {
  if (!row) return;
  row.scrollIntoView({ block: "center" });
  row.focus({ preventScroll: true });
}

export function usePointed(id: string) {
  const { hash } = useLocation();
  return hash === id ? { ref: intoSight, tabIndex: -1, "data-pointed": "" } : {};
}
