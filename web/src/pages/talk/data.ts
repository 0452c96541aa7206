// What the Talk page asks for, and the ways to change it. The event line has each asked anew when its records come.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import { useNavigate } from "@tanstack/react-router";
import { memory } from "../../api/memory";
import { useMe } from "../../api/session";
import { talk, type Choice, type Placing } from "../../api/talk";
import { offered } from "./offered";
import type { Parts } from "./thread/growing";
import type { Waiting } from "./thread/outbox";
import type { Thread } from "./thread/thread";
import { worldOf, type World } from "./world";

export function useWorld(): World {
  return worldOf(useMe().id);
}

export function useWaiting(conversation?: string): readonly Waiting[] {
  const { outbox } = useWorld();
  const all = useSyncExternalStore(outbox.watch, outbox.snapshot);
  return useMemo(() => (conversation ? all.filter((one) => one.conversation === conversation) : all), [all, conversation]);
}

/** Whether it is only being made here: the server does not know it yet. */
function useMaking(id: string | undefined): boolean {
  const waiting = useWaiting(id);
  return Boolean(id) && waiting.some((one) => one.make && one.state !== "refused");
}

/** The conversation's window of messages. One that is only being made here has none yet. */
export function useThread(id: string, at: string | undefined): Thread {
  const world = useWorld();
  const thread = world.thread(id);
  const making = useMaking(id);
  useEffect(() => {
    if (making && thread.view.messages.length === 0) thread.begin();
    else if (thread.view.state !== "ready" || (at && !thread.view.messages.some((one) => one.id === at))) void thread.open(at);
    else void thread.refresh();
  }, [thread, at, making]);
  return thread;
}

export function useView(thread: Thread) {
  return useSyncExternalStore(thread.watch, thread.snapshot);
}

/** The text so far of a message that is being written. */
export function useGrowing(thread: Thread | undefined, message: string, on: boolean): Parts | undefined {
  const watch = useCallback((watcher: () => void) => (on && thread ? thread.growing.watch(message, watcher) : () => undefined), [thread, message, on]);
  return useSyncExternalStore(watch, () => (on ? thread?.growing.of(message) : undefined));
}

export function useConversation(id: string | undefined) {
  const making = useMaking(id);
  return useQuery({ queryKey: ["conversation", id], queryFn: () => talk.one(id ?? ""), enabled: Boolean(id) && !making });
}

/** What the model was told before it gave this answer; asked anew when something happens in the conversation. */
export function useTold(conversation: string, answer: string) {
  return useQuery({ queryKey: ["conversation", conversation, "told", answer], queryFn: () => memory.told(conversation, answer) });
}

export function usePlace(id: string) {
  const queries = useQueryClient();
  const world = useWorld();
  return useMutation({
    mutationFn: (change: Placing) => talk.place(id, change),
    onSuccess: (now, change) => {
      queries.setQueryData(["conversation", id], now);
      void queries.invalidateQueries({ queryKey: ["conversations"] });
      if (change.project !== undefined || change.folder !== undefined) void queries.invalidateQueries({ queryKey: ["projects"] });
      if (change.current !== undefined) void world.thread(id).refresh();
    },
  });
}

export function useProjects() {
  return useQuery({ queryKey: ["projects"], queryFn: talk.projects, staleTime: 60_000 });
}

export function useModels() {
  return useQuery({
    queryKey: ["talk-models"],
    queryFn: async () => (await talk.models()).filter((one) => (one.kind ?? "chat") === "chat"),
    staleTime: 60_000,
  });
}

export function useOffered() {
  const models = useModels().data;
  return useMemo(() => offered(models ?? []), [models]);
}

/** The names that are routes and not models: the two that every server has. */
export const ROUTES = ["fast", "deep"] as const;

export function choiceOf(name: string): Choice {
  return (ROUTES as readonly string[]).includes(name) ? { route: name } : { model: name };
}
export function nameOf(choice: { model?: string | null | undefined; route?: string | null | undefined }): string {
  return choice.route || choice.model || "";
}

export function useGo() {
  const navigate = useNavigate();
  return useCallback(
    (id?: string, at?: string, more: { replace?: boolean } = {}) => void navigate({ to: "/talk/{-$id}", params: { id }, search: at ? { at } : {}, ...more }),
    [navigate],
  );
}
