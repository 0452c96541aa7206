// Memory in the few words that stand at an answer: how much of it was given, and why none was.
import type { Off, Recalled } from "../../../api/memory";
import { useText, type Key } from "../../../i18n";

/** In the foot: "3 memories, one left out"; nothing where there is nothing to look at. */
export function useMemoryWords(): (of: Recalled | null | undefined) => string {
  const { t, listed } = useText();
  return (of) => {
    if (!of) return "";
    if (of.off === "asked") return t("memory.unused");
    const [given, without] = [of.given.length, of.without.length];
    return listed([given > 0 ? t("memory.given", { count: given }) : "", without > 0 ? t("memory.left_out", { count: without }) : ""]);
  };
}

const OFF: Record<Off, Key> = {
  asked: "memory.off.asked",
  conversation: "memory.off.conversation",
  shared: "memory.off.shared",
  settings: "memory.off.settings",
  key: "memory.off.key",
  server: "memory.off.server",
};

/** Among what is told of an answer: why it has no memory, if it has none. */
export function useNoMemory(): (of: Recalled | null | undefined) => string {
  const { t } = useText();
  return (of) => {
    if (!of) return "";
    if (of.off) return OFF[of.off] ? t(OFF[of.off]) : "";
    return of.given.length === 0 ? t("memory.nothing") : "";
  };
}
