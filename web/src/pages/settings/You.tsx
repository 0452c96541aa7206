// What is one's own: how the app looks and speaks, memory, name and password, where one is signed in.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { people, type SessionEntry } from "../../api/people";
import { useEnter, useMe } from "../../api/session";
import { dateOf } from "../../format/when";
import { useText } from "../../i18n";
import { Shown } from "../../parts/faces";
import { Choice, Field, Problem, useErrorText, useForm } from "../../parts/form";
import { Ask, Linkish } from "../../parts/small";
import { announce } from "../../shell/announce";
import { useChangePreferences, usePreferences, useSingleKeys } from "../../shell/preferences";
import { chooseTheme, themeOf, THEMES, useTheme } from "../../shell/theme";

export default function You() {
  return (
    <>
      <Looks />
      <Memory />
      <Account />
      <Password />
      <Sessions />
    </>
  );
}

function Looks() {
  const { t, chosen, choose } = useText();
  const { theme } = useTheme();
  const keep = useChangePreferences();
  const single = useSingleKeys();
  return (
    <section aria-labelledby="looks">
      <div className="sect-h">
        <h2 id="looks">{t("you.looks")}</h2>
      </div>
      <div className="form after">
        <div className="pair">
          <Choice
            label={t("language.name")}
            value={chosen}
            onChange={(e) => {
              choose(e.target.value);
              keep.mutate({ language: e.target.value });
            }}
            options={[["auto", t("language.auto")], ["en", "English"], ["zh", "中文"]]}
          />
          <Choice
            label={t("theme.name")}
            value={theme}
            onChange={(e) => {
              const next = themeOf(e.target.value);
              chooseTheme(next);
              keep.mutate({ theme: next });
            }}
            options={THEMES.map((one) => [one, t(`theme.${one}`)] as const)}
          />
        </div>
        <label className="tick">
          <input type="checkbox" checked={single} onChange={(e) => keep.mutate({ single_keys: e.target.checked })} /> <span>{t("you.single_keys")}</span>
        </label>
      </div>
    </section>
  );
}

export function Memory() {
  const { t } = useText();
  const words = useErrorText();
  const settings = usePreferences();
  const keep = useChangePreferences();
  const on = settings.data?.values.memory !== false;
  return (
    <section className="sect" aria-labelledby="memory">
      <div className="sect-h">
        <h2 id="memory">{t("you.memory")}</h2>
      </div>
      <div className="form after">
        <div>
          <label className="tick">
            <input type="checkbox" role="switch" checked={on} disabled={!settings.data} aria-describedby="memory-about" onChange={(e) => keep.mutate({ memory: e.target.checked })} />{" "}
            <span>{t("you.memory.on")}</span>
          </label>
          <p id="memory-about" className="hint">
            {t("you.memory.about")}
          </p>
        </div>
        {keep.error && <Problem>{words(keep.error)}</Problem>}
      </div>
    </section>
  );
}

function Account() {
  const { t } = useText();
  const me = useMe();
  const queries = useQueryClient();
  const [name, setName] = useState(me.name);
  const form = useForm(() => people.changeMe({ name: name.trim() }), ["name"], () => {
    announce(t("you.kept"));
    void queries.invalidateQueries({ queryKey: ["session"] });
  });
  return (
    <section className="sect" aria-labelledby="account">
      <div className="sect-h">
        <h2 id="account">{t("you.account")}</h2> <span className="faint">{t(`role.${me.role}`)}</span>
      </div>
      <form className="form after" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        <div className="pair">
          <Field label={t("people.name")} value={name} onChange={(e) => setName(e.target.value)} required autoComplete="name" problem={form.problemOf("name")} hint={form.done ? t("you.kept") : undefined} />
          <Field label={t("people.email")} value={me.email} readOnly />
        </div>
        {form.whole && <Problem>{form.whole}</Problem>}
        <div className="answers">
          <button className="btn" disabled={form.busy || name.trim() === me.name}>
            {t("you.name.act")}
          </button>
        </div>
      </form>
    </section>
  );
}

function Password() {
  const { t } = useText();
  const queries = useQueryClient();
  const me = useMe();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const form = useForm(() => people.changePassword(current, next), ["new_password", "password", "current_password"], (session) => {
    setCurrent("");
    setNext("");
    announce(t("you.password.done"));
    queries.setQueryData(["session"], session);
    void queries.invalidateQueries({ queryKey: ["sessions"] });
  });
  const wrong = form.error?.code === "sign_in_failed" || form.error?.code === "sign_in_paused";
  return (
    <section className="sect" aria-labelledby="password">
      <div className="sect-h">
        <h2 id="password">{t("you.password")}</h2>
      </div>
      <form className="form after" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        <input className="vh" tabIndex={-1} aria-hidden="true" readOnly value={me.name} autoComplete="username" />
        <div className="pair">
          <Field label={t("you.password.now")} type="password" value={current} onChange={(e) => setCurrent(e.target.value)} required autoComplete="current-password" problem={wrong ? form.whole : form.problemOf("current_password")} />
          <Field
            label={t("you.password.new")}
            type="password"
            value={next}
            onChange={(e) => setNext(e.target.value)}
            required
            minLength={10}
            autoComplete="new-password"
            hint={form.done ? t("you.password.done") : t("you.password.hint")}
            problem={form.problemOf("new_password") ?? form.problemOf("password")}
          />
        </div>
        {form.whole && !wrong && <Problem>{form.whole}</Problem>}
        <div className="answers">
          <button className="btn" disabled={form.busy}>
            {t("you.password.act")}
          </button>
        </div>
      </form>
    </section>
  );
}

function Sessions() {
  const { t } = useText();
  const enter = useEnter();
  const queries = useQueryClient();
  const sessions = useQuery({ queryKey: ["sessions"], queryFn: people.mySessions });
  const everywhere = async () => {
    await people.signOutEverywhere();
    await queries.invalidateQueries({ queryKey: ["sessions"] });
  };
  return (
    <section className="sect" aria-labelledby="sessions">
      <div className="sect-h">
        <h2 id="sessions">{t("you.sessions")}</h2>
        <span className="end small">
          <Linkish onClick={() => void people.signOut().then(enter)}>{t("you.sign_out")}</Linkish>
        </span>
      </div>
      <Shown of={sessions} rows={2}>
        {(rows) => (
          <>
            <table className="tbl">
              <tbody>
                {rows.map((one) => (
                  <Line key={one.id} of={one} />
                ))}
              </tbody>
            </table>
            {rows.length > 1 && (
              <div className="answers after">
                <Ask title={t("you.everywhere.title")} about={t("you.everywhere.about")} verb={t("you.everywhere")} act={everywhere}>
                  {(ask) => (
                    <button className="btn" onClick={ask}>
                      {t("you.everywhere")}
                    </button>
                  )}
                </Ask>
              </div>
            )}
          </>
        )}
      </Shown>
    </section>
  );
}

function Line({ of: one }: { of: SessionEntry }) {
  const { t, times } = useText();
  const queries = useQueryClient();
  const end = useMutation({ mutationFn: () => people.endSession(one.id), onSuccess: () => queries.invalidateQueries({ queryKey: ["sessions"] }) });
  const seen = dateOf(one.last_seen_at);
  return (
    <tr>
      <td>
        {one.browser}
        <span className="meta">{one.address}</span>
      </td>
      <td className="faint">{one.current ? t("you.here") : seen ? times.near(seen) : ""}</td>
      <td className="n">
        {!one.current && (
          <Linkish aria-label={t("you.end_of", { browser: one.browser })} onClick={() => end.mutate()}>
            {t("you.end")}
          </Linkish>
        )}
      </td>
    </tr>
  );
}
