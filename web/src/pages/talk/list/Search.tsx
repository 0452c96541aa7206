// Search in titles and in what was said, everywhere or here, with the place that was found.
import { keepPreviousData, useInfiniteQuery, type InfiniteData, type UseInfiniteQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { talk, type Found, type Page } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Broken, Empty, Loading } from "../../../parts/faces";
import { Marked } from "./marked";

const TYPING_MS = 200;
const PAGE = 30;

export function useSettledText(text: string, pause = TYPING_MS): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), pause);
    return () => clearTimeout(timer);
  }, [text, pause]);
  return settled;
}

type Answer = UseInfiniteQueryResult<InfiniteData<Page<Found>>>;

export function useSearch(asked: string, conversation: string | undefined): Answer {
  const q = useSettledText(asked.trim());
  return useInfiniteQuery({
    queryKey: ["search", q, conversation],
    queryFn: ({ pageParam, signal }) => talk.search(q, { conversation, after: pageParam, limit: PAGE }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => (last.has_more ? (last.last_id ?? last.data[last.data.length - 1]?.id) : undefined),
    enabled: q !== "",
    placeholderData: keepPreviousData,
  });
}

export function SearchResults({ found, asked }: { found: Answer; asked: string }) {
  const { t, times } = useText();
  if (found.isError) return <Broken error={found.error} again={() => void found.refetch()} />;
  if (!found.data)
    return (
      <div className="inlist">
        <Loading rows={6} />
      </div>
    );
  const all = found.data.pages.flatMap((page) => page.data);
  if (all.length === 0)
    return (
      <div className="inlist" role="status">
        <Empty title={t("talk.search.none")}>{t("talk.search.none.about", { asked: asked.trim() })}</Empty>
      </div>
    );
  return (
    <nav className="rows found" aria-label={t("talk.search.found")}>
      {all.map((one) => (
        <Link key={one.id ?? `${one.conversation} ${one.message ?? ""}`} to="/talk/{-$id}" params={{ id: one.conversation }} search={one.message ? { at: one.message } : {}} preload={false}>
          <div className="t">
            <span dir="auto">{one.message ? one.title || t("talk.untitled") : <Marked text={one.snippet || one.title || ""} marks={one.marks} />}</span>
            {one.created_at !== null && <time>{times.short(new Date(one.created_at * 1000))}</time>}
          </div>
          {one.message && (
            <div className="p snippet" dir="auto">
              {one.attachment ? <b>{one.attachment}: </b> : one.role === "user" && <b>{one.by || t("talk.you")}: </b>}
              <Marked text={one.snippet} marks={one.marks} />
            </div>
          )}
        </Link>
      ))}
      {found.hasNextPage && (
        <button type="button" className="linkish more" onClick={() => void found.fetchNextPage()}>
          {t("talk.search.more")}
        </button>
      )}
    </nav>
  );
}
