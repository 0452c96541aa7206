// What the palette can do beside going somewhere.
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { people } from "../api/people";
import { useEnter, useMe } from "../api/session";
import { useText } from "../i18n";
import { putIntoDraft } from "../pages/talk/compose/draft";
import { useWorld } from "../pages/talk/data";
import type { Row } from "./find";
import { useChangePreferences } from "./preferences";
import { chooseTheme, THEMES } from "./theme";

const LANGUAGE_NAMES = { en: "English", zh: "中文" } as const;

export function usePaletteActs(onKeys: () => void): Row[] {
  const { t, choose } = useText();
  const navigate = useNavigate();
  const me = useMe();
  const enter = useEnter();
  const { mutate: keep } = useChangePreferences();
  const { kept } = useWorld();
  return useMemo(() => {
    const group = t("palette.do");
    const open = (part: "keys" | "people" | "models" | "budgets", make: string) => () => void navigate({ to: "/settings/$part", params: { part }, hash: make });
    const rows: Row[] = [];
    if (me.role !== "guest") rows.push({ id: "new-talk", group, name: t("talk.new"), keys: "N", act: () => void navigate({ to: "/talk/{-$id}", params: { id: undefined } }) });
    if (me.role !== "guest")
      rows.push({
        id: "new-talk-no-trace",
        group,
        name: t("trace.new"),
        words: "incognito private temporary no trace 无痕 不留痕",
        act: () => void putIntoDraft(kept, "new", { text: "", attachments: [], remember: false }).then(() => navigate({ to: "/talk/{-$id}", params: { id: undefined } })),
      });
    if (me.role !== "guest") rows.push({ id: "new-key", group, name: t("keys.new"), act: open("keys", "new") });
    if (me.role === "owner") {
      rows.push({ id: "add-provider", group, name: t("providers.add"), act: open("models", "add") });
      rows.push({ id: "invite", group, name: t("people.invite"), act: open("people", "invite") });
      rows.push({ id: "new-budget", group, name: t("budgets.new"), act: open("budgets", "new") });
    }
    for (const theme of THEMES)
      rows.push({
        id: `theme-${theme}`,
        group,
        name: t(`theme.${theme}`),
        about: t("theme.name"),
        words: theme,
        act: () => {
          chooseTheme(theme);
          keep({ theme });
        },
      });
    for (const language of ["en", "zh"] as const)
      rows.push({
        id: `language-${language}`,
        group,
        name: LANGUAGE_NAMES[language],
        about: t("language.name"),
        words: "language 语言 english chinese",
        act: () => {
          choose(language);
          keep({ language });
        },
      });
    rows.push({ id: "keys", group, name: t("keylist.title"), keys: "?", act: onKeys });
    rows.push({ id: "sign-out", group, name: t("you.sign_out"), act: () => void people.signOut().then(enter) });
    return rows;
  }, [t, choose, navigate, me.role, enter, keep, kept, onKeys]);
}
