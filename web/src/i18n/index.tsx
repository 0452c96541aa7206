// Languages. A catalogue holds every sentence that the app says; English is the one that the keys are typed by, others are fetched when
// they are chosen. A message may have a place ("{name}") and, where it counts, forms by number.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { Figures } from "../format/numbers";
import { Times } from "../format/when";
import { en } from "./en";
import type { ToldTexts } from "./server";

export type Message = string | { readonly one: string; readonly other: string };
export type Key = keyof typeof en;
export type Catalogue = Readonly<Record<Key, Message>>;
export type Values = Record<string, string | number>;
export type Language = "en" | "zh";
export const LANGUAGES: readonly Language[] = ["en", "zh"];

const LOCALES: Record<Language, string> = { en: "en-GB", zh: "zh-CN" };
const TAGS: Record<Language, string> = { en: "en", zh: "zh-Hans" };
const STORED = "steward.language";

const plurals = new Map<Language, Intl.PluralRules>();

function isOne(count: number, language: Language): boolean {
  let rules = plurals.get(language);
  if (!rules) plurals.set(language, (rules = new Intl.PluralRules(LOCALES[language])));
  return rules.select(count) === "one";
}

/** Puts the values in their places; the number that a message counts by is `count`. */
export function fill(message: Message, values: Values, language: Language): string {
  const text =
    typeof message === "string"
      ? message
      : isOne(Number(values.count ?? 0), language)
        ? message.one
        : message.other;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The language that was chosen, else the first of the browser's that there is, else English. */
export function languageOf(chosen: string | undefined, wanted: readonly string[]): Language {
  for (const tag of [chosen ?? "", ...wanted]) {
    const found = LANGUAGES.find((one) => tag.toLowerCase().split("-")[0] === one);
    if (found) return found;
  }
  return "en";
}

interface Text {
  language: Language;
  t: (key: Key, values?: Values) => string;
  told: ToldTexts; // what the server's codes mean; nothing where its own sentences serve
  listed: (parts: readonly string[]) => string; // those that say something, one after the other
  figures: Figures;
  times: Times;
  choose: (language: string) => void;
  chosen: string; // "auto", "en", "zh"
}

const Context = createContext<Text | undefined>(undefined);

interface Said {
  language: Language;
  catalogue: Catalogue;
  told: ToldTexts;
}

const ENGLISH: Said = { language: "en", catalogue: en, told: {} };

async function saidIn(language: Language): Promise<Said> {
  if (language === "en") return ENGLISH;
  // With its type, so that no page is drawn in boxes where the system has no Chinese.
  const [{ zh }, { toldZh }] = await Promise.all([import("./zh"), import("./server/zh"), import("../styles/chinese")]);
  return { language, catalogue: zh, told: toldZh };
}

export function Languages({ children }: { children: ReactNode }) {
  const [chosen, setChosen] = useState(() => localStorage.getItem(STORED) ?? "auto");
  const language = languageOf(chosen === "auto" ? undefined : chosen, navigator.languages);
  const [said, setSaid] = useState<Said | undefined>(() => (language === "en" ? ENGLISH : undefined));
  useEffect(() => {
    let current = true;
    void saidIn(language).then((now) => {
      if (current) setSaid(now);
    });
    return () => {
      current = false;
    };
  }, [language]);
  const choose = useCallback((next: string) => {
    localStorage.setItem(STORED, next);
    setChosen(next);
  }, []);
  useEffect(() => {
    if (said) document.documentElement.lang = TAGS[said.language];
  }, [said]);
  const text = useMemo<Text | undefined>(() => {
    if (!said) return undefined;
    const { language, catalogue, told } = said;
    const t: Text["t"] = (key, values = {}) => fill(catalogue[key], values, language);
    return {
      language,
      t,
      told,
      listed: (parts) => parts.filter(Boolean).join(t("list.between")),
      figures: new Figures(LOCALES[language]),
      times: new Times(LOCALES[language]),
      choose,
      chosen,
    };
  }, [said, choose, chosen]);
  return text ? <Context value={text}>{children}</Context> : null;
}

export function useText(): Text {
  const text = useContext(Context);
  if (!text) throw new Error("useText outside of Languages");
  return text;
}
