// The messages of the path: thousands of them, of which only those in sight are in the page. Going up asks for earlier ones, which come in
// above without moving what is read.
import { useEffect, useMemo, useRef, type ReactNode } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Message } from "../../../api/talk";
import { useText } from "../../../i18n";
import { useView, useWaiting } from "../data";
import type { Thread } from "../thread/thread";
import { OneMessage, type Acts } from "./Message";
import { Unsent } from "./Unsent";
import { useFollow } from "./useFollow";

const NEAR_PX = 900; // from an edge at which more is asked for

interface Props {
  thread: Thread;
  at: string | undefined;
  acts: Acts;
  owner: string | undefined; // whose words the questions are, where they aren't the reader's
  children?: ReactNode; // what stands after the last one
}

export function Messages({ thread, at, acts, owner, children }: Props) {
  const { t } = useText();
  const view = useView(thread);
  const waiting = useWaiting(thread.conversation);
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const { away, toEnd, leave, watch } = useFollow(scroller, content);
  const known = useMemo(() => new Set(view.messages.map((one) => one.id)), [view.messages]);
  const unsent = waiting.filter((one) => !known.has(one.id));
  const edge = view.earlier ? 1 : 0;

  // The place that was found, once it is there.
  const shown = useRef("");
  useEffect(() => {
    const index = at ? view.messages.findIndex((one) => one.id === at) : -1;
    if (!at || index < 0 || shown.current === at) return;
    shown.current = at;
    leave();
    list.current?.scrollToIndex(index + edge, { align: "center" });
  }, [at, view.messages, edge, leave]);

  // What one sends oneself is seen.
  const last = unsent[unsent.length - 1]?.id;
  useEffect(() => {
    if (last) toEnd();
  }, [last, toEnd]);

  useEffect(() => {
    const rows = content.current?.querySelectorAll(".msg");
    watch(rows?.[rows.length - 1] ?? null);
  });

  const onScroll = () => {
    const box = scroller.current;
    if (!box) return;
    if (view.earlier && box.scrollTop < NEAR_PX) void thread.earlier();
    if (view.later && box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX) void thread.later();
  };
  const rows: ReactNode[] = [];
  if (view.earlier)
    rows.push(
      <button key="earlier" className="fold" onClick={() => void thread.earlier()}>
        {t("talk.earlier")}
      </button>,
    );
  // An answer that waits with its question says nothing that the question doesn't.
  const shownOnes = view.messages.filter((one, index) => !(one.status === "queued" && one.role === "assistant" && view.messages[index - 1]?.status === "queued"));
  for (const one of shownOnes) rows.push(<OneMessage key={one.id} message={one} thread={thread} acts={acts} owner={owner} found={one.id === at} />);
  for (const one of unsent) rows.push(<Unsent key={one.id} of={one} />);
  return (
    <>
      <div className="scroll" ref={scroller} tabIndex={0} role="region" aria-label={t("talk.messages")} onScroll={onScroll}>
        <div ref={content}>
          <Virtualizer ref={list} scrollRef={scroller} shift={view.prepended} bufferSize={600}>
            {rows}
          </Virtualizer>
          {children}
        </div>
      </div>
      {(away || view.later) && (
        <button type="button" className="btn toend" onClick={() => (view.later ? void thread.open().then(toEnd) : toEnd())}>
          {t("talk.to_end")}
        </button>
      )}
    </>
  );
}

/** The answer that is being written, if one is. Those that wait for it are not it. */
export function answering(messages: readonly Message[]): Message | undefined {
  return messages.findLast((one) => one.role === "assistant" && one.status === "in_progress");
}
