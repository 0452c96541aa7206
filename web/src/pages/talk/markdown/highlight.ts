// Reads code for its words: fetched when the first code appears. The tree has classes only, which become weights and greys in the sheet.
import type { ElementContent } from "hast";
import { common, createLowlight } from "lowlight";

const lowlight = createLowlight(common);

/** The code's nodes, or undefined for a language that is not known. */
export function painted(language: string, code: string): ElementContent[] | undefined {
  const name = language.toLowerCase();
  if (!lowlight.registered(name)) return undefined;
  return lowlight.highlight(name, code).children as ElementContent[];
}
