// Conversations in the palette: asked of the server as one types, a moment after the last letter.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { talk } from "../api/talk";
import { useText } from "../i18n";
import type { Row } from "./find";

const TYPING_MS = 150;
const MOST = 8;

export function useConversationRows(asked: string): Row[] {
  const { t, times } = useText();
  const navigate = useNavigate();
  const [q, setQ] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setQ(asked.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [asked]);
  const found = useQuery({ queryKey: ["search", q, "palette"], queryFn: ({ signal }) => talk.search(q, { limit: MOST }, signal), enabled: q !== "", retry: false });
  const current = q !== "" && asked.trim() !== "";
  return useMemo(
    () =>
      (current ? (found.data?.data ?? []) : []).map((one) => ({
        id: `${one.conversation} ${one.message ?? ""}`,
        group: t("talk.list"),
        name: one.title || t("talk.untitled"),
        about: one.message ? one.snippet.slice(0, 80) : one.created_at === null ? "" : times.near(new Date(one.created_at * 1000)),
        act: () => void navigate({ to: "/talk/{-$id}", params: { id: one.conversation }, search: one.message ? { at: one.message } : {} }),
      })),
    [found.data, current, t, times, navigate],
  );
}
