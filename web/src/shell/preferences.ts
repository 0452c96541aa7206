// The person's own settings: kept by the server, so that they hold in every browser; this browser remembers language and theme for the
// first paint and before sign-in.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { people, type MySettings } from "../api/people";
import { useText } from "../i18n";
import { chooseTheme, themeOf } from "./theme";

const KEY = ["preferences"];

export function usePreferences() {
  return useQuery({ queryKey: KEY, queryFn: people.mySettings, staleTime: 60_000 });
}

export function useChangePreferences() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: people.changeMySettings,
    onSuccess: (settings: MySettings) => queries.setQueryData(KEY, settings),
  });
}

export function useSingleKeys(): boolean {
  return usePreferences().data?.values.single_keys !== false;
}

/** What the server keeps holds here too. */
export function useSettingsFromServer(): void {
  const { choose } = useText();
  const values = usePreferences().data?.values;
  const language = values?.language;
  const theme = values?.theme;
  useEffect(() => {
    if (typeof language === "string") choose(language);
  }, [language, choose]);
  useEffect(() => {
    if (theme !== undefined) chooseTheme(themeOf(theme));
  }, [theme]);
}
