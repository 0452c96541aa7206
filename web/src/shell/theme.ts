// Light, dark, or as the system has it. Kept in the browser so that the first paint is right; the person's settings carry it elsewhere.
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];
const STORED = "steward.theme";
const watchers = new Set<() => void>();

export function themeOf(text: unknown): Theme {
  return THEMES.find((one) => one === text) ?? "system";
}

export function currentTheme(): Theme {
  return themeOf(localStorage.getItem(STORED));
}

export function applyTheme(theme: Theme = currentTheme()): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(STORED, theme);
  applyTheme(theme);
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", watcher);
  return () => {
    watchers.delete(watcher);
    system.removeEventListener("change", watcher);
  };
}

/** What is chosen, and whether that is dark now. */
export function useTheme(): { theme: Theme; dark: boolean } {
  const text = useSyncExternalStore(watch, () => {
    const theme = currentTheme();
    const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    return `${theme} ${dark}`;
  });
  const [theme, dark] = text.split(" ");
  return { theme: themeOf(theme), dark: dark === "true" };
}
