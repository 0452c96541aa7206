// What a screen reader is told beside the page: one polite region for the whole app.
import { useSyncExternalStore } from "react";

let said = "";
const watchers = new Set<() => void>();

export function announce(text: string): void {
  said = said === text ? `${text}\u00a0` : text; // the same words again are still news
  for (const watcher of watchers) watcher();
}

export function Announcer() {
  const text = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => said,
  );
  return (
    <div className="vh" role="status" aria-live="polite">
      {text}
    </div>
  );
}
