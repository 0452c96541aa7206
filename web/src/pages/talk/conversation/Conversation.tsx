// One conversation: its head, its messages, and where one writes. The keys of Talk live here, and files are dropped anywhere on it.
import { useLocation } from "@tanstack/react-router";
import { useCallback, useEffect, useRef } from "react";
import { asApiError } from "../../../api/errors";
import { useMe } from "../../../api/session";
import type { Attachment, Message } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Broken, Loading } from "../../../parts/faces";
import { announce } from "../../../shell/announce";
import { useTitle } from "../../../shell/title";
import { Composer, type ComposerHandle } from "../compose/Composer";
import { nameOf, useConversation, useGo, useThread, useView, useWaiting, useWorld } from "../data";
import type { Beside } from "../side/Panel";
import { isOpen } from "../thread/thread";
import { Head } from "./Head";
import { sendingTo } from "./sending";
import { answering, Messages } from "./Messages";
import { useActs } from "./useActs";
import { useChoice } from "./useChoice";
import { useDrop } from "./useDrop";
import { useTalkKeys } from "./useTalkKeys";

interface Props {
  id: string;
  beside: Beside | undefined;
  onBeside: (which: Beside | undefined) => void;
}

export function OpenConversation({ id, beside, onBeside }: Props) {
  const { t } = useText();
  const world = useWorld();
  const me = useMe();
  const at = useAt();
  const thread = useThread(id, at);
  const view = useView(thread);
  const waiting = useWaiting(id);
  const asked = useConversation(id);
  const conversation = asked.data;
  const go = useGo();
  useTitle(conversation?.title || t("talk.untitled"));
  useAnswered();

  const written = answering(view.messages);
  const since = useSince(view.messages, written && isOpen(written) ? written : undefined);
  const compose = useRef<ComposerHandle>(null);
  const { choice, choose } = useChoice(conversation, lastAnswer(view.messages));
  const acts = useActs(thread, conversation, choice);
  const stop = useCallback(() => written && acts.stop(written), [written, acts]);
  useTalkKeys({ messages: view.messages, acts, stop: written ? stop : undefined, beside, onBeside });
  const drop = useDrop((files) => compose.current?.add(files));
  useEffect(() => {
    // Whoever just began it by writing goes on writing; who came through the list stays there.
    const active = document.activeElement;
    if ((!active || active === document.body) && !matchMedia("(pointer: coarse)").matches) compose.current?.focus();
  }, []);

  // Back at the end once what was found has been left.
  const send = (text: string, attachments: Attachment[], name: string) => {
    if (at) go(id, undefined, { replace: true });
    if (view.later) void thread.open();
    void world.outbox.send({ ...sendingTo(id, name), text, attachments });
  };
  if (asked.isError && [403, 404].includes(asApiError(asked.error).status) && waiting.length === 0)
    return (
      <section className="conv">
        <Head id={id} conversation={undefined} forgets={false} beside={beside} onBeside={onBeside} />
        <div className="scroll">
          <Broken error={asked.error} again={() => void asked.refetch()} />
        </div>
      </section>
    );
  const canWrite = (conversation?.mine ?? true) && me.role !== "guest";
  const forgets = conversation ? conversation.mine && conversation.remember === false : waiting.some((one) => one.make?.remember === false);
  return (
    <section className="conv" aria-label={conversation?.title || t("talk.untitled")} {...drop.on}>
      <Head id={id} conversation={conversation} forgets={forgets} beside={beside} onBeside={onBeside} />
      {view.state === "broken" ? (
        <div className="scroll">
          <Broken error={view.error} again={() => void thread.open(at)} />
        </div>
      ) : view.state === "loading" ? (
        <div className="scroll">
          <Loading rows={8} />
        </div>
      ) : (
        <Messages key={id} thread={thread} at={at} acts={acts} owner={conversation?.mine === false ? conversation.by || t("talk.shared.author") : undefined} />
      )}
      {acts.problem && (
        <p className="problem" role="alert">
          {acts.problem}
        </p>
      )}
      {canWrite ? (
        <Composer
          key={`c-${id}`}
          ref={compose}
          conversation={id}
          choice={choice}
          onChoose={choose}
          onSend={send}
          since={since}
          onStop={stop}
        />
      ) : (
        <p className="readonly meta">{t("talk.read_only")}</p>
      )}
      {drop.over && <div className="dropping">{t("talk.drop")}</div>}
    </section>
  );
}

function lastAnswer(messages: readonly Message[]): string {
  const last = messages.findLast((one) => one.role === "assistant" && (one.model || one.route));
  return last ? nameOf(last) : "";
}

/** Since when it is written: since it was asked for, unless it first waited here, or stood still until it was gone on with. */
function useSince(messages: readonly Message[], written: Message | undefined): number | undefined {
  const still = useRef(new Set<string>());
  const last = useRef<{ id: string | undefined; since: number | undefined }>({ id: undefined, since: undefined });
  for (const one of messages) if (one.role === "assistant" && one.status !== "in_progress") still.current.add(one.id);
  if (last.current.id !== written?.id)
    last.current = { id: written?.id, since: written && (still.current.has(written.id) ? Date.now() : written.created_at * 1000) };
  return last.current.since;
}

function useAt(): string | undefined {
  const { search } = useLocation();
  const at = (search as { at?: unknown }).at;
  return typeof at === "string" ? at : undefined;
}

/** What a screen reader hears of an answer: its beginning, once it is whole. */
function useAnswered(): void {
  const { t } = useText();
  const world = useWorld();
  useEffect(() => {
    world.answered = (message) => announce(message.status === "failed" ? t("talk.failed") : t("talk.answered", { text: message.text.slice(0, 300) }));
    return () => {
      world.answered = () => undefined;
    };
  }, [world, t]);
}
