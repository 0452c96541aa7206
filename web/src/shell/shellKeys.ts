// The keys that hold on every page.
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { composing, useKeys, type Bindings } from "./keyboard";
import { addressOf, PLACES } from "./places";
import { useSingleKeys } from "./preferences";

export function useShellKeys({ palette, keys }: { palette: () => void; keys: () => void }): void {
  const navigate = useNavigate();
  const bindings: Record<string, () => void> = { "?": keys };
  for (const place of PLACES) bindings[`g ${place.letter}`] = () => void navigate({ to: addressOf(place) });
  useKeys(bindings satisfies Bindings, useSingleKeys());
  const open = useRef(palette);
  open.current = palette;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k" || composing(event)) return;
      event.preventDefault();
      open.current();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, []);
}
