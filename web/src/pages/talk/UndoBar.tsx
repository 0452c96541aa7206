// What was just deleted, for as long as it can be taken back.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useText } from "../../i18n";
import { useErrorText } from "../../parts/form";
import { announce } from "../../shell/announce";
import { useKeys } from "../../shell/keyboard";
import { useSingleKeys } from "../../shell/preferences";
import { useGo, useWorld } from "./data";

export function UndoBar() {
  const { t } = useText();
  const world = useWorld();
  const queries = useQueryClient();
  const words = useErrorText();
  const go = useGo();
  const one = useSyncExternalStore(world.watch, world.lastDeleted);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!one) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => {
      setNow(Date.now());
      if (Date.now() >= one.until) world.tellDeleted(undefined);
    }, 500);
    return () => clearInterval(timer);
  }, [one, world]);
  const undo = async () => {
    try {
      const id = await world.restore();
      void queries.invalidateQueries({ queryKey: ["conversations"] });
      if (id) go(id);
    } catch (error) {
      announce(words(error));
      world.tellDeleted(undefined);
    }
  };
  useKeys({ z: () => void undo() }, useSingleKeys() && one !== undefined);
  if (!one) return null;
  const left = Math.max(0, Math.ceil((one.until - now) / 1000));
  return (
    <div className="banner undo" role="status">
      <span>
        {t("talk.deleted")} <bdi>{one.title}</bdi>
      </span>
      <span className="end" aria-hidden="true">
        {t("talk.deleted.final", { count: left })}
      </span>
      <button type="button" className="linkish" onClick={() => void undo()}>
        {t("talk.undo")} <kbd>Z</kbd>
      </button>
    </div>
  );
}
