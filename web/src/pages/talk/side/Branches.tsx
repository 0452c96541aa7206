// The ways that a conversation went, as a tree: where one is, and a step to any other.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { talk, type Conversation } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Shown } from "../../../parts/faces";
import { usePlace, useView } from "../data";
import type { Thread } from "../thread/thread";
import { runsOf, waysOf, type Run } from "./tree";

const DEEPEST = 6; // steps of indent; what is deeper stands below each other

export default function Branches({ conversation, thread }: { conversation: Conversation; thread: Thread }) {
  const { t } = useText();
  const view = useView(thread);
  const last = view.messages[view.messages.length - 1];
  const tree = useQuery({ queryKey: ["conversation", conversation.id, "tree", last?.id], queryFn: () => talk.tree(conversation.id), placeholderData: (had) => had });
  const place = usePlace(conversation.id);
  return (
    <Shown of={tree}>
      {(nodes) => <Tree nodes={nodes} current={view.later ? conversation.current : (last?.id ?? conversation.current)} go={conversation.mine ? (id) => place.mutate({ current: id }) : undefined} about={t} />}
    </Shown>
  );
}

interface TreeProps {
  nodes: Parameters<typeof runsOf>[0];
  current: string | null;
  go: ((id: string) => void) | undefined;
  about: ReturnType<typeof useText>["t"];
}

function Tree({ nodes, current, go, about: t }: TreeProps) {
  const runs = useMemo(() => runsOf(nodes, current), [nodes, current]);
  const ways = waysOf(runs);
  return (
    <>
      <p className="meta apart-below">{ways <= 1 ? t("talk.branches.one") : t("talk.branches.count", { count: ways })}</p>
      <ol className="tree">
        {runs.map((run) => (
          <OneRun key={run.id} run={run} depth={0} go={go} />
        ))}
      </ol>
    </>
  );
}

function OneRun({ run, depth, go }: { run: Run; depth: number; go: ((id: string) => void) | undefined }) {
  const { t, listed, times } = useText();
  const from = new Date(run.from * 1000);
  const facts = [
    run.siblings > 1 ? t("talk.version", { index: run.index, count: run.siblings }) : "",
    times.near(from),
    run.model ?? "",
    t("talk.messages_count", { count: run.count }),
    run.end ? t("talk.branches.here") : "",
  ];
  const words = (
    <>
      <span className={run.here ? "on" : undefined} dir="auto">
        {run.words || t("talk.untitled")}
      </span>
      <span className="meta">{listed(facts)}</span>
    </>
  );
  return (
    <li>
      {go ? (
        <button type="button" aria-current={run.end ? "true" : undefined} onClick={() => go(run.id)}>
          {words}
        </button>
      ) : (
        <div aria-current={run.end ? "true" : undefined}>{words}</div>
      )}
      {run.runs.length > 0 && (
        <ol className={depth >= DEEPEST ? "flat" : undefined}>
          {run.runs.map((one) => (
            <OneRun key={one.id} run={one} depth={depth + 1} go={go} />
          ))}
        </ol>
      )}
    </li>
  );
}
