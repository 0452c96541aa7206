// Who else may read this conversation: by a link that can be taken back, or a person or team by name. Read only, up to where it stood.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { people } from "../../../api/people";
import { useIsOwner, useMe } from "../../../api/session";
import { talk, type Conversation, type Share as OneShare } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Shown } from "../../../parts/faces";
import { Choice, Problem, useErrorText } from "../../../parts/form";
import { Linkish, Secret } from "../../../parts/small";
import type { Thread } from "../thread/thread";

export default function Share({ conversation, thread }: { conversation: Conversation; thread: Thread }) {
  const { t, times } = useText();
  const queries = useQueryClient();
  const words = useErrorText();
  const key = ["conversation", conversation.id, "shares"];
  const shares = useQuery({ queryKey: key, queryFn: () => talk.shares(conversation.id) });
  const again = () => {
    void queries.invalidateQueries({ queryKey: ["conversation", conversation.id] });
  };
  const making = useMutation({
    mutationFn: (who: string) => {
      const all = thread.view.messages;
      return talk.share(conversation.id, { with: who, to: thread.view.later ? undefined : all[all.length - 1]?.id });
    },
    onSuccess: again,
  });
  const taking = useMutation({ mutationFn: (one: OneShare) => talk.unshare(conversation.id, one.id), onSuccess: again });
  const names = useWho();
  return (
    <>
      <p className="small soft">{t("talk.share.about")}</p>
      {making.data?.url && <Secret value={making.data.url} about={t("talk.share.once")} />}
      {(making.error ?? taking.error) && <Problem>{words(making.error ?? taking.error)}</Problem>}
      <div className="answers after">
        <button type="button" className="btn btn-fill" disabled={making.isPending} onClick={() => making.mutate("link")}>
          {t("talk.share.link")}
        </button>
      </div>
      <WithSomebody names={names} busy={making.isPending} onShare={(who) => making.mutate(who)} />
      <h3 className="after">{t("talk.share.now")}</h3>
      <Shown of={shares} rows={2}>
        {(all) =>
          all.length === 0 ? (
            <p className="small soft">{t("talk.share.nobody")}</p>
          ) : (
            <ul className="done">
              {all.map((one) => (
                <li key={one.id}>
                  <div>
                    <bdi>{one.with === "link" ? t("talk.share.by_link") : (names.get(one.with) ?? one.with)}</bdi>
                    <span className="meta">{t("talk.share.since", { when: times.near(new Date(one.created_at * 1000)) })}</span>
                  </div>
                  <Linkish onClick={() => taking.mutate(one)}>{t("talk.share.take_back")}</Linkish>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}

/** Whom one can name: an owner everybody, others their own teams. */
function useWho(): Map<string, string> {
  const me = useMe();
  const owner = useIsOwner();
  const all = useQuery({ queryKey: ["people"], queryFn: people.all, enabled: owner });
  const found = new Map<string, string>();
  for (const team of me.teams) found.set(team.id, team.name);
  for (const one of all.data ?? []) {
    if (one.id !== me.id && !one.disabled) found.set(one.id, one.name);
    for (const team of one.teams) found.set(team.id, team.name);
  }
  return found;
}

function WithSomebody({ names, busy, onShare }: { names: Map<string, string>; busy: boolean; onShare: (who: string) => void }) {
  const { t } = useText();
  const [chosen, setChosen] = useState("");
  const all = [...names];
  if (all.length === 0) return null;
  const who = chosen || (all[0]?.[0] ?? "");
  return (
    <form
      className="form after"
      onSubmit={(event) => {
        event.preventDefault();
        onShare(who);
      }}
    >
      <Choice label={t("talk.share.with")} value={who} onChange={(event) => setChosen(event.target.value)} options={all} />
      <div className="answers">
        <button className="btn" disabled={busy}>
          {t("talk.share.act")}
        </button>
      </div>
    </form>
  );
}
