// A link: the first start, an invitation, or the way back in. Its token stands in the fragment, which no server and no log sees; it is
// looked at without being spent, and spent by the form.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { people, type LinkLook, type Session } from "../api/people";
import { asApiError } from "../api/errors";
import { useEnter } from "../api/session";
import { dateOf } from "../format/when";
import { useText } from "../i18n";
import { Broken, Loading } from "../parts/faces";
import { Field, Problem, useErrorText, useForm } from "../parts/form";
import { useTitle } from "../shell/title";
import { EntryPage } from "./SignIn";

const NOBODYS_NAME = "Owner"; // what the configuration calls the owner until somebody comes

export function Enter() {
  const { t } = useText();
  const [token] = useState(() => decodeURIComponent(location.hash.slice(1)));
  const look = useQuery({ queryKey: ["link", token], queryFn: () => people.lookAtLink(token), retry: false, staleTime: Infinity });
  useTitle(t("enter.title"));
  if (look.data) return <Who token={token} link={look.data} />;
  return (
    <EntryPage beside={<Beside kind="invitation" />} foot={null}>
      {look.isError ? <NoWayIn error={look.error} again={() => void look.refetch()} /> : <Loading />}
    </EntryPage>
  );
}

/** A link that lets nobody in is not tried again: whoever has an account signs in. */
function NoWayIn({ error, again }: { error: unknown; again: () => void }) {
  const { t } = useText();
  const words = useErrorText();
  if (!asApiError(error).code.startsWith("link_")) return <Broken error={error} again={again} />;
  return (
    <div role="alert">
      <h1>{t("enter.no_way")}</h1>
      <p className="soft">{words(error)}</p>
      <div className="answers">
        <a className="btn btn-fill" href="/">
          {t("signin.act")}
        </a>
      </div>
    </div>
  );
}

function Who({ token, link }: { token: string; link: LinkLook }) {
  const { t, times, figures } = useText();
  const enter = useEnter();
  const navigate = useNavigate();
  const [name, setName] = useState(link.person.name === NOBODYS_NAME ? "" : link.person.name);
  const [password, setPassword] = useState("");
  const least = link.password_characters;
  const named = link.kind !== "first" && link.person.name !== "";
  const send = () => people.useLink({ token, password, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone, ...(named ? {} : { name: name.trim() }) });
  const form = useForm(send, ["name", "password"], (session: Session) => {
    enter(session);
    // The fragment is spent; nothing of it stays in the history.
    void navigate({ to: link.kind === "first" ? "/settings/$part" : "/", params: { part: "models" }, replace: true, state: { arrived: link.kind === "first" } });
  });
  const until = dateOf(link.expires_at);
  const about =
    link.kind === "first"
      ? t("enter.first.about")
      : link.kind === "recovery"
        ? t("enter.recovery.about")
        : link.invited_by
          ? t("enter.invitation.about", { who: link.invited_by, organisation: link.organisation, role: t(`role.${link.role}`) })
          : t("enter.invitation.nobody", { organisation: link.organisation, role: t(`role.${link.role}`) });
  const length = [...password].length;
  const hint = length === 0 ? t("enter.password.hint", { least }) : length < least ? t("enter.password.short", { count: length, least }) : t("enter.password.good", { count: figures.whole(length) });
  return (
    <EntryPage beside={<Beside kind={link.kind} />} foot={until ? t("enter.until", { when: times.full(until) }) : null}>
      {link.kind === "first" && (
        <ol className="stages" aria-label={t("enter.stages")}>
          <li className="ok">{t("enter.stage.link")}</li>
          <li aria-current="step">{t("enter.stage.you")}</li>
          <li>{t("enter.stage.model")}</li>
        </ol>
      )}
      <h1>{link.kind === "recovery" ? t("enter.recovery.title") : named ? t("enter.named", { name }) : t("enter.who")}</h1>
      <p className="soft">{about}</p>
      <form className="form" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        {named ? (
          <input className="vh" tabIndex={-1} aria-hidden="true" readOnly value={name} autoComplete="username" />
        ) : (
          <Field label={t("enter.name")} value={name} onChange={(e) => setName(e.target.value)} autoComplete="name" required autoFocus problem={form.problemOf("name")} />
        )}
        <Field
          label={t("enter.password")}
          type="password"
          value={password}
          onChange={(e) => setPassword(e.target.value)}
          autoComplete="new-password"
          required
          minLength={least}
          autoFocus={named}
          hint={hint}
          problem={form.problemOf("password")}
        />
        {form.whole && <Problem>{form.whole}</Problem>}
        <div className="answers">
          <button className="btn btn-fill" disabled={form.busy}>
            {t("enter.go_on")}
          </button>
        </div>
      </form>
    </EntryPage>
  );
}

function Beside({ kind }: { kind: LinkLook["kind"] }) {
  const { t } = useText();
  if (kind === "first")
    return (
      <>
        <h2>{t("enter.leaves.title")}</h2>
        <p className="soft">{t("enter.leaves.about")}</p>
        <h2>{t("enter.kept.title")}</h2>
        <p className="soft">{t("enter.kept.about")}</p>
      </>
    );
  return (
    <>
      <h2>{t("enter.yours.title")}</h2>
      <p className="soft">{t("enter.yours.about")}</p>
    </>
  );
}
