// The pages of the list. Ten thousand conversations are asked for as far as one scrolls; what happens has the first page asked again, and
// the one conversation that it happened to, wherever it stands.
import { useCallback, useEffect, useReducer, useRef } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { asApiError, type ApiError } from "../../../api/errors";
import { talk, type Conversation, type ListOf } from "../../../api/talk";
import { onLine } from "../../../live";
import { withNext, withTop } from "./rows";

const PAGE = 100;
const SETTLE_MS = 250;

interface Pages {
  pinned: Conversation[];
  rows: Conversation[];
  more: boolean;
  state: "loading" | "ready" | "broken";
  error?: ApiError | undefined;
}
const NOTHING: Pages = { pinned: [], rows: [], more: false, state: "loading" };

type Change = { pages: Partial<Pages> } | { one: Conversation } | { gone: string };

function changed(had: Pages, change: Change): Pages {
  if ("pages" in change) return { ...had, ...change.pages };
  const gone = "gone" in change ? change.gone : "";
  const put = (all: Conversation[]) => ("one" in change ? all.map((each) => (each.id === change.one.id ? change.one : each)) : all.filter((each) => each.id !== gone));
  return { ...had, rows: put(had.rows), pinned: put(had.pinned) };
}

export function useList(which: ListOf) {
  const [pages, change] = useReducer(changed, NOTHING);
  const now = useRef(pages);
  now.current = pages;
  const queries = useQueryClient();
  const asking = useRef(false);
  const { archived = false, project, folder } = which;

  const top = useCallback(async () => {
    try {
      const of = { archived, project, folder };
      const [first, pinned] = await Promise.all([talk.list(of, undefined, PAGE), archived ? undefined : talk.list({ ...of, pinned: true }, undefined, PAGE)]);
      const fresh = now.current.state !== "ready";
      change({
        pages: {
          rows: fresh ? first.data : withTop(now.current.rows, first.data, first.has_more),
          more: fresh ? first.has_more : now.current.rows.length > first.data.length ? now.current.more : first.has_more,
          pinned: (pinned?.data ?? []).filter((one) => one.pinned),
          state: "ready",
          error: undefined,
        },
      });
    } catch (error) {
      if (now.current.state !== "ready") change({ pages: { state: "broken", error: asApiError(error) } });
    }
  }, [archived, project, folder]);

  useEffect(() => {
    change({ pages: NOTHING });
    now.current = NOTHING;
    void top();
  }, [top]);

  // Records say that something happened, the cache of queries that something was changed here.
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const touched = new Set<string>();
    const settle = () => {
      timer = undefined;
      void top();
      for (const id of touched) if (now.current.rows.some((one) => one.id === id)) void again(id, change);
      touched.clear();
    };
    const soon = () => (timer ??= setTimeout(settle, SETTLE_MS));
    const deaf = onLine((told) => {
      if (told.type === "back" || told.type === "reset") soon();
      if (told.type !== "record" || !told.stream.startsWith("conversation/")) return;
      touched.add(told.stream.slice("conversation/".length));
      soon();
    });
    const blind = queries.getQueryCache().subscribe((event) => {
      if (event.type === "updated" && event.query.queryKey[0] === "conversation" && event.query.queryKey.length === 2 && event.action.type === "success") {
        const one = event.query.state.data as Conversation | undefined;
        if (one) change({ one });
        soon();
      }
    });
    return () => {
      clearTimeout(timer);
      deaf();
      blind();
    };
  }, [top, queries]);

  const next = useCallback(async () => {
    const last = now.current.rows[now.current.rows.length - 1];
    if (!last || !now.current.more || asking.current) return;
    asking.current = true;
    try {
      const page = await talk.list({ archived, project, folder }, last.id, PAGE);
      change({ pages: { rows: withNext(now.current.rows, page.data), more: page.has_more } });
    } catch {
      // asked again when one scrolls on
    } finally {
      asking.current = false;
    }
  }, [archived, project, folder]);

  return { ...pages, next, again: top };
}

async function again(id: string, change: (how: Change) => void): Promise<void> {
  try {
    change({ one: await talk.one(id) });
  } catch (error) {
    if (asApiError(error).status === 404) change({ gone: id });
  }
}
