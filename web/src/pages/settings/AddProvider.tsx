// Adding a provider: its name, its key, and at once the answer whether it works. The key goes in and never comes out.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { allPages, api, body } from "../../api/client";
import { useText } from "../../i18n";
import { Sheet } from "../../parts/dialog";
import { Choice, Field, Problem, useForm } from "../../parts/form";
import { announce } from "../../shell/announce";
import { tryProvider, useTriedText, type Tried } from "./Providers";

const OTHER = "";
const DIALECTS = ["auto", "openai", "responses", "anthropic", "gemini", "bedrock"] as const;
type Dialect = (typeof DIALECTS)[number];

/** The providers that the program knows the address and the ways of. */
function useKnown(): string[] {
  const { data } = useQuery({
    queryKey: ["providers", "known"],
    queryFn: () => allPages((cursor) => body(api.GET("/admin/v1/providers", { params: { query: { limit: 1000, cursor } } }))),
  });
  return (data ?? []).filter((one) => one.origin === "default" && one.base_url).map((one) => one.name);
}

export function AddProvider({ renew, onClose }: { renew: string | undefined; onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const triedText = useTriedText();
  const known = useKnown();
  const [picked, setPicked] = useState<string>();
  const [name, setName] = useState("");
  const [key, setKey] = useState("");
  const [address, setAddress] = useState("");
  const [dialect, setDialect] = useState<Dialect>("auto");
  const choice = picked ?? known[0] ?? OTHER;
  const own = !renew && choice === OTHER;
  const called = renew ?? (own ? name.trim() : choice);
  const send = async (): Promise<Tried> => {
    const given = { name: called, ...(key ? { key: key.trim() } : {}), ...(own ? { base_url: address.trim(), dialect } : {}) };
    await body(api.POST("/admin/v1/providers", { body: given }));
    const tried = await tryProvider(called);
    await queries.invalidateQueries({ queryKey: ["providers"] });
    await queries.invalidateQueries({ queryKey: ["models"] });
    await queries.invalidateQueries({ queryKey: ["talk-models"] });
    return tried;
  };
  const form = useForm(send, ["name", "key", "base_url"], (tried) => announce(triedText(tried)));
  return (
    <Sheet title={renew ? t("providers.new_key_of", { name: renew }) : t("providers.add")} about={t("providers.add.about")} open onClose={onClose}>
      <form className="form" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        {!renew && (
          <Choice
            label={t("providers.one")}
            value={choice}
            onChange={(e) => setPicked(e.target.value)}
            options={[...known.map((one) => [one, one] as const), [OTHER, t("providers.other")] as const]}
          />
        )}
        {own && (
          <>
            <Field label={t("providers.name")} value={name} onChange={(e) => setName(e.target.value)} required pattern="[a-z0-9_\-][a-z0-9._\-]{0,63}" hint={t("providers.name.hint")} problem={form.problemOf("name")} />
            <Field label={t("providers.address")} type="url" value={address} onChange={(e) => setAddress(e.target.value)} required placeholder="https://…/v1" problem={form.problemOf("base_url")} />
            <Choice
              label={t("providers.dialect")}
              value={dialect}
              onChange={(e) => setDialect(DIALECTS.find((one) => one === e.target.value) ?? "auto")}
              options={DIALECTS.map((one) => [one, one === "auto" ? t("providers.dialect.auto") : one] as const)}
            />
          </>
        )}
        <Field label={t("providers.key")} type="password" value={key} onChange={(e) => setKey(e.target.value)} autoComplete="off" required={!own} hint={t("providers.key.hint")} problem={form.problemOf("key")} />
        {form.whole && <Problem>{form.whole}</Problem>}
        {form.done && !form.busy && (
          <div className={form.done.ok ? "tried" : "tried bad"} role="status">
            {!form.done.ok && <b>{t("providers.it_fails")}</b>}
            <p dir="auto">{triedText(form.done)}</p>
          </div>
        )}
        <div className="answers">
          {form.done?.ok ? (
            <button type="button" className="btn btn-fill" onClick={onClose}>
              {t("act.close")}
            </button>
          ) : (
            <>
              <button className="btn btn-fill" disabled={form.busy}>
                {form.busy ? t("providers.trying") : t("providers.add.act")}
              </button>
              <button type="button" className="btn" onClick={onClose}>
                {form.done ? t("act.close") : t("act.leave")}
              </button>
            </>
          )}
        </div>
      </form>
    </Sheet>
  );
}
