// What the server's codes mean, in the language of the page. The server says why in English, with a code, sometimes a narrower "reason",
// and the figures that belong to it; other languages' sentences are made of these and come with the language's catalogue.
import type { Figures } from "../../format/numbers";
import { fill, type Language, type Values } from "..";

/** By code ("budget_exceeded"), and by reason under "reason." ("reason.name_taken"). */
export type ToldTexts = Readonly<Record<string, string>>;

export interface Told {
  code: string;
  message: string;
  details?: Record<string, unknown> | undefined;
}

/** The sentence for it, or undefined where there is none: then the server's own serves. */
export function sentenceOf(texts: ToldTexts, told: Told, language: Language, figures: Figures): string | undefined {
  const text = texts[`reason.${String(told.details?.reason ?? "")}`] ?? texts[told.code];
  return text === undefined ? undefined : fill(text, valuesOf(told, figures), language);
}

const NANO = 1e9;

function valuesOf({ message, details = {} }: Told, figures: Figures): Values {
  const values: Values = { message };
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === "number") values[name] = name.endsWith("_nanousd") ? figures.money(Math.max(0, value) / NANO) : figures.whole(value);
    else if (typeof value === "string") values[name] = value;
  }
  return values;
}
