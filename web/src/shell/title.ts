import { useEffect } from "react";

/** The tab's title: the page, then the program. */
export function useTitle(page: string): void {
  useEffect(() => {
    document.title = `${page} · Steward`;
  }, [page]);
}
