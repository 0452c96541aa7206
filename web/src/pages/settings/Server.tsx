// This server: every value in force with where it comes from. What the file, the environment or a flag says is shown as fixed; what can be
// set here is a record above the file, and can be taken back.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, body } from "../../api/client";
import type { components } from "../../api/schema";
import { useText, type Key } from "../../i18n";
import { useConfigDoc } from "../../i18n/config";
import { Sheet } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/faces";
import { Field, Problem, useForm } from "../../parts/form";
import { usePointed } from "../../parts/pointed";
import { Linkish } from "../../parts/small";
import { useConfig } from "./config";

type Value = components["schemas"]["ConfigValue"];

export default function Server() {
  const { t } = useText();
  const [asked, setAsked] = useState("");
  const config = useConfig();
  return (
    <>
      <About />
      <section className="sect" aria-labelledby="config">
        <div className="sect-h">
          <h2 id="config">{t("server.values")}</h2>
        </div>
        <p className="small soft after">{t("server.about")}</p>
        <div className="after">
          <Field label={t("server.find")} type="search" value={asked} onChange={(e) => setAsked(e.target.value)} spellCheck={false} />
        </div>
        <Shown of={config} rows={8}>
          {(rows) => <Values rows={rows} asked={asked} />}
        </Shown>
      </section>
    </>
  );
}

function About() {
  const { t } = useText();
  const status = useQuery({ queryKey: ["status"], queryFn: () => body(api.GET("/admin/v1/status")) });
  return (
    <section aria-labelledby="about">
      <div className="sect-h">
        <h2 id="about">{t("settings.server")}</h2>
      </div>
      <Shown of={status} rows={3}>
        {(one) => (
          <dl className="kv after">
            <div>
              <dt>{t("server.version")}</dt>
              <dd>Steward {one.version}</dd>
            </div>
            <div>
              <dt>{t("server.organisation")}</dt>
              <dd dir="auto">{one.organisation}</dd>
            </div>
            <div>
              <dt>{t("server.home")}</dt>
              <dd>
                <code>{one.home}</code>
              </dd>
            </div>
            <div>
              <dt>{t("server.started")}</dt>
              <dd>
                <Started at={one.started_at} />
              </dd>
            </div>
          </dl>
        )}
      </Shown>
    </section>
  );
}

function Started({ at }: { at: string | undefined }) {
  const { times } = useText();
  return <>{at ? times.full(new Date(at)) : "–"}</>;
}

const ORIGINS: Record<Value["origin"], Key> = { default: "origin.default", file: "origin.file", setting: "origin.setting", environment: "origin.environment", flag: "origin.flag" };

function sectionOf(key: string): string {
  return key.split(".")[0] ?? "";
}

function Values({ rows, asked }: { rows: readonly Value[]; asked: string }) {
  const { t } = useText();
  const doc = useConfigDoc();
  const wanted = asked.trim().toLowerCase();
  // What providers have of their own stands under Models; here it would be a wall of defaults.
  const found = useMemo(
    () => rows.filter((row) => (wanted ? `${row.key} ${row.doc ?? ""} ${doc(row.key, row.doc)}`.toLowerCase().includes(wanted) : !(sectionOf(row.key) === "providers" && row.origin === "default"))),
    [rows, wanted, doc],
  );
  const sections = [...new Set(found.map((row) => sectionOf(row.key)))];
  if (found.length === 0) return <Empty title={t("server.none", { asked })} />;
  return (
    <>
      {sections.map((section) => (
        <table key={section} className="tbl fix conf">
          <colgroup>
            <col />
            <col className="value" />
            <col className="act" />
          </colgroup>
          <caption className="label after">{section}</caption>
          <tbody>
            {found.filter((row) => sectionOf(row.key) === section).map((row) => <Line key={row.key} row={row} doc={doc(row.key, row.doc)} />)}
          </tbody>
        </table>
      ))}
    </>
  );
}

export function shownValue(value: unknown): string {
  if (Array.isArray(value)) return value.length > 0 ? value.map(String).join(", ") : "–";
  return value === "" || value === null || value === undefined ? "–" : String(value);
}

/** Codes stand between backticks in a description. */
function Told({ doc }: { doc: string }) {
  return doc.split("`").map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}

function Line({ row, doc }: { row: Value; doc: string }) {
  const { t } = useText();
  const [open, setOpen] = useState(false);
  const pointed = usePointed(row.key);
  const fixed = row.origin === "environment" || row.origin === "flag";
  const restart = row.reload === "restart";
  return (
    <tr {...pointed}>
      <td>
        <code>{row.key.slice(sectionOf(row.key).length + 1)}</code>
        <span className="doc">
          <Told doc={doc} />
        </span>
      </td>
      <td className="n">
        <code>{shownValue(row.value)}</code>
        <span className="meta">{row.where && row.origin !== "default" && row.origin !== "setting" ? row.where : t(ORIGINS[row.origin])}</span>
      </td>
      <td className="n">
        {fixed ? (
          <span className="meta">{t("settings.fixed")}</span>
        ) : restart ? (
          <span className="meta">{t("server.in_file")}</span>
        ) : (
          <Linkish aria-label={t("server.change_of", { key: row.key })} onClick={() => setOpen(true)}>
            {t("server.change")}
          </Linkish>
        )}
        {open && <Edit row={row} doc={doc} onClose={() => setOpen(false)} />}
      </td>
    </tr>
  );
}

/** The text of a field as the kind of value that stands there now. */
export function parsedValue(text: string, like: unknown): unknown {
  if (Array.isArray(like)) return text.split(",").map((one) => one.trim()).filter(Boolean);
  if (typeof like === "boolean") return text === "true";
  if (typeof like === "number") return Number(text);
  return text;
}

function Edit({ row, doc, onClose }: { row: Value; doc: string; onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const [text, setText] = useState(Array.isArray(row.value) ? row.value.map(String).join(", ") : row.value === null || row.value === undefined ? "" : String(row.value));
  const params = { path: { key: row.key } };
  const fresh = async () => {
    await queries.invalidateQueries({ queryKey: ["config"] });
    await queries.invalidateQueries({ queryKey: ["changes"] });
  };
  const form = useForm(
    async () => {
      await body(api.PUT("/admin/v1/config/{key}", { params, body: { value: parsedValue(text, row.value) } }));
      await fresh();
    },
    ["value"],
    onClose,
  );
  const back = useForm(
    async () => {
      await body(api.DELETE("/admin/v1/config/{key}", { params }));
      await fresh();
    },
    [],
    onClose,
  );
  return (
    <Sheet title={row.key} about={<Told doc={doc} />} open onClose={onClose}>
      <form className="form" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        <Field label={t("server.value")} value={text} onChange={(e) => setText(e.target.value)} spellCheck={false} hint={t("server.default", { value: row.default || "–" })} problem={form.problemOf("value")} />
        {(form.whole ?? back.whole) && <Problem>{form.whole ?? back.whole}</Problem>}
        <div className="answers">
          <button className="btn btn-fill" disabled={form.busy}>
            {t("server.set")}
          </button>
          {row.origin === "setting" && (
            <button type="button" className="btn" disabled={back.busy} onClick={(event) => back.onSubmit(event)}>
              {t("server.take_back")}
            </button>
          )}
          <button type="button" className="btn btn-quiet" onClick={onClose}>
            {t("act.leave")}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
