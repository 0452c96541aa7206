// Conversations in the palette: what was last talked about while nothing is asked, else what the server finds in titles, messages and files, a
// moment after the last letter.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { talk, type Found } from "../api/talk";
import { useText } from "../i18n";
import type { Row } from "./find";

const TYPING_MS = 150;
const ASKED = 30;
const TITLES = 5; // shown at most; they come before what was said
const SAID = 8;
const RECENT = 5;

interface Rows {
  rows: Row[];
  asking: boolean; // the server has not yet said what it finds for what stands there
}

export function useConversationRows(asked: string): Rows {
  const { t, times } = useText();
  const navigate = useNavigate();
  const wanted = asked.trim();
  const [q, setQ] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setQ(wanted), TYPING_MS);
    return () => clearTimeout(timer);
  }, [wanted]);
  const found = useQuery({ queryKey: ["search", q, "palette"], queryFn: ({ signal }) => talk.search(q, { limit: ASKED }, signal), enabled: q !== "", retry: false });
  const recent = useQuery({ queryKey: ["conversations", "palette"], queryFn: () => talk.list({}, undefined, RECENT), retry: false });
  const rows = useMemo(() => {
    const open = (id: string, at?: string | null) => () => void navigate({ to: "/talk/{-$id}", params: { id }, search: at ? { at } : {} });
    const when = (seconds: number | null) => (seconds === null ? "" : times.near(new Date(seconds * 1000)));
    if (!wanted)
      return (recent.data?.data ?? []).map((one): Row => ({
        id: `recent ${one.id}`,
        group: t("palette.recent"),
        name: one.title || t("talk.untitled"),
        about: when(one.updated_at),
        act: open(one.id),
      }));
    const rowOf = (one: Found): Row => {
      const title = one.title || t("talk.untitled");
      if (!one.message)
        return { id: `title ${one.conversation}`, group: t("talk.list"), name: one.snippet || title, marks: one.marks, about: when(one.created_at), act: open(one.conversation) };
      const who = one.attachment ?? (one.role === "user" ? one.by || t("talk.you") : "Steward");
      return {
        id: `said ${one.id}`,
        group: t("palette.said"),
        name: one.snippet,
        marks: one.marks,
        about: t("palette.said_in", { who, title }),
        act: open(one.conversation, one.message),
      };
    };
    const all = q ? (found.data?.data ?? []) : [];
    return [...all.filter((one) => !one.message).slice(0, TITLES), ...all.filter((one) => one.message).slice(0, SAID)].map(rowOf);
  }, [wanted, q, found.data, recent.data, t, times, navigate]);
  return { rows, asking: wanted !== "" && (wanted !== q || found.isFetching) };
}
