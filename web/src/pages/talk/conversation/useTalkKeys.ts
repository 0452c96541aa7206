// The keys of an open conversation: Esc stops, Alt and an arrow go to another version, B and I open what stands beside, E changes the last
// message of one's own, C takes along the code that has the focus, else the last, M opens what was remembered for the answer in focus, else the last.
import { useEffect, useRef } from "react";
import type { Message } from "../../../api/talk";
import { composing, useKeys } from "../../../shell/keyboard";
import { useSingleKeys } from "../../../shell/preferences";
import type { Beside } from "../side/Panel";
import { lastOwn, movedByKeys } from "../thread/versions";
import type { Acts } from "./Message";

interface Given {
  messages: readonly Message[];
  acts: Acts;
  stop: (() => void) | undefined;
  beside: Beside | undefined;
  onBeside: (which: Beside | undefined) => void;
}

function copyCode(): void {
  const active = document.activeElement?.closest("[data-code]");
  // The description of a diagram is code too, but folded away.
  const seen = [...document.querySelectorAll(".conv [data-code]")].filter((found) => found.checkVisibility());
  const one = active ?? seen[seen.length - 1];
  one?.querySelector<HTMLButtonElement>("[data-copy]")?.click();
}

function openMemory(): void {
  const CHIP = "button[data-memory]";
  const all = document.querySelectorAll<HTMLButtonElement>(`.conv .msg ${CHIP}`);
  const one = document.activeElement?.closest(".msg")?.querySelector<HTMLButtonElement>(CHIP) ?? all[all.length - 1];
  one?.focus();
  one?.click();
}

export function useTalkKeys(given: Given): void {
  const now = useRef(given);
  now.current = given;
  const toggle = (which: Beside) => () => now.current.onBeside(now.current.beside === which ? undefined : which);
  useKeys(
    {
      b: toggle("branches"),
      i: toggle("about"),
      c: copyCode,
      m: openMemory,
      e: () => {
        const own = lastOwn(now.current.messages);
        if (own && now.current.acts.mine) now.current.acts.setEditing(own.id);
      },
    },
    useSingleKeys(),
  );
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (composing(event) || document.querySelector("[role=dialog]")) return;
      const { stop, messages, acts, beside, onBeside } = now.current;
      if (event.key === "Escape") {
        if (stop) stop();
        else if (beside) onBeside(undefined);
        else return;
        event.preventDefault();
      }
      if (!event.altKey || event.ctrlKey || event.metaKey || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
      const focused = (document.activeElement?.closest("[data-id]") as HTMLElement | null)?.dataset.id;
      const moved = movedByKeys(messages, focused);
      if (!moved) return;
      event.preventDefault(); // else the browser would go back a page
      acts.version(moved, event.key === "ArrowLeft" ? -1 : 1);
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}
