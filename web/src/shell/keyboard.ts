// Single keys and two-key words ("G" then "U"). They rest while a field has focus, while an input method composes, while a dialog is
// open, and when the person has switched them off. Ctrl-K works everywhere.
import { useEffect, useRef } from "react";

export type Bindings = Readonly<Record<string, () => void>>;

const SECOND_KEY_MS = 1_200;

export function restsIn(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.closest("[role=dialog]") !== null;
}

/** An Enter (or any key) that belongs to an input method is not ours. */
export function composing(event: { isComposing?: boolean; keyCode?: number; nativeEvent?: { isComposing: boolean } }): boolean {
  return event.isComposing === true || event.nativeEvent?.isComposing === true || event.keyCode === 229;
}

/** The binding that a key completes, and what it leaves begun: "g" waits for a second key. */
export function step(bindings: Bindings, begun: string, key: string): { act?: () => void; begun: string } {
  const word = begun ? `${begun} ${key}` : key;
  if (bindings[word]) return { act: bindings[word], begun: "" };
  if (Object.keys(bindings).some((one) => one.startsWith(`${word} `))) return { begun: word };
  return begun ? step(bindings, "", key) : { begun: "" };
}

export function useKeys(bindings: Bindings, on = true): void {
  const current = useRef(bindings);
  current.current = bindings;
  useEffect(() => {
    if (!on) return undefined;
    let begun = "";
    let at = 0;
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || composing(event) || restsIn(event.target)) return;
      if (event.timeStamp - at > SECOND_KEY_MS) begun = "";
      at = event.timeStamp;
      const next = step(current.current, begun, event.key.length === 1 ? event.key.toLowerCase() : event.key);
      begun = next.begun;
      if (!next.act) return;
      event.preventDefault();
      next.act();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, [on]);
}
