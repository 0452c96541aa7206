// Sign in: it tells a stranger nothing. A passkey's button will stand before the name.
import { useState, type ReactNode } from "react";
import { people } from "../api/people";
import { useEnter } from "../api/session";
import { useText } from "../i18n";
import { Field, Problem, useForm } from "../parts/form";
import { Announcer } from "../shell/announce";
import { useTitle } from "../shell/title";

export function EntryPage({ children, beside, foot }: { children: ReactNode; beside: ReactNode; foot: ReactNode }) {
  const { t, language, choose } = useText();
  const other = language === "zh" ? (["en", "English"] as const) : (["zh", "中文"] as const);
  return (
    <div className="entry">
      <main>
        <p className="row">
          <span className="wordmark">Steward</span>
          <button type="button" className="linkish end small" lang={other[0]} onClick={() => choose(other[0])}>
            {other[1]}
          </button>
        </p>
        <div className="entry-body">{children}</div>
        <p className="meta foot">{foot}</p>
      </main>
      <aside aria-label={t("entry.beside")}>
        {beside}
        <p className="meta foot">{t("entry.software")}</p>
      </aside>
      <Announcer />
    </div>
  );
}

export function SignIn() {
  const { t } = useText();
  const enter = useEnter();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  useTitle(t("signin.title"));
  const form = useForm(() => people.signIn(name.trim(), password), ["name"], enter);
  const paused = form.error?.code === "sign_in_paused";
  const refused = form.error?.code === "sign_in_failed";
  return (
    <EntryPage
      foot={
        <>
          {t("signin.lost")} <code>steward people recover {name.trim() || "NAME"}</code> {t("signin.lost.after")}
        </>
      }
      beside={
        <>
          <h2>{t("signin.nothing.title")}</h2>
          <p className="soft">{t("signin.nothing.about")}</p>
          <h2>{t("signin.invited.title")}</h2>
          <p className="soft">{t("signin.invited.about")}</p>
        </>
      }
    >
      <h1>{t("signin.title")}</h1>
      <p className="soft">{location.host}</p>
      <form className="form" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        <Field label={t("signin.name")} value={name} onChange={(e) => setName(e.target.value)} autoComplete="username" autoCapitalize="none" spellCheck={false} required autoFocus />
        <Field
          label={t("signin.password")}
          type="password"
          value={password}
          onChange={(e) => setPassword(e.target.value)}
          autoComplete="current-password"
          required
          problem={refused || paused ? form.whole : undefined}
        />
        {form.whole && !refused && !paused && <Problem>{form.whole}</Problem>}
        <div className="answers">
          <button className="btn btn-fill" disabled={form.busy}>
            {t("signin.act")}
          </button>
        </div>
      </form>
    </EntryPage>
  );
}
