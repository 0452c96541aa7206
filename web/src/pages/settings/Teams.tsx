// Teams: who is in which. A team can have a budget of its own.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { allPages, api, body } from "../../api/client";
import type { components } from "../../api/schema";
import { useText } from "../../i18n";
import { Sheet } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/faces";
import { Field, Problem, useForm } from "../../parts/form";
import { usePointed } from "../../parts/pointed";
import { Linkish } from "../../parts/small";
import { usePeople } from "./People";

type Principal = components["schemas"]["Principal"];

export function useTeams() {
  return useQuery({
    queryKey: ["principals"],
    queryFn: () => allPages((cursor) => body(api.GET("/admin/v1/principals", { params: { query: { limit: 1000, cursor } } }))),
    select: (rows: Principal[]) => rows.filter((one) => one.kind === "team"),
  });
}

export function Teams() {
  const { t } = useText();
  const teams = useTeams();
  const people = usePeople().data ?? [];
  const [making, setMaking] = useState(false);
  const [changing, setChanging] = useState<Principal>();
  return (
    <section className="sect" aria-labelledby="teams">
      <div className="sect-h">
        <h2 id="teams">{t("teams.title")}</h2>
        <span className="end small">
          <Linkish onClick={() => setMaking(true)}>{t("teams.new")}</Linkish>
        </span>
      </div>
      <Shown of={teams} rows={2}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title={t("teams.none")}>{t("teams.about")}</Empty>
          ) : (
            <table className="tbl">
              <tbody>
                {rows.map((team) => (
                  <Line key={team.id} team={team} members={people.filter((one) => one.teams.some((of) => of.id === team.id)).map((one) => one.name)} onChange={() => setChanging(team)} />
                ))}
              </tbody>
            </table>
          )
        }
      </Shown>
      {making && <NewTeam onClose={() => setMaking(false)} />}
      {changing && <Members of={changing} onClose={() => setChanging(undefined)} />}
    </section>
  );
}

function Line({ team, members, onChange }: { team: Principal; members: readonly string[]; onChange: () => void }) {
  const { t, listed } = useText();
  return (
    <tr {...usePointed(team.id)}>
      <td dir="auto">{team.name}</td>
      <td className="soft" dir="auto">
        {members.length > 0 ? listed(members) : t("teams.nobody")}
      </td>
      <td className="n">
        <Linkish aria-label={t("teams.change_of", { name: team.name })} onClick={onChange}>
          {t("teams.change")}
        </Linkish>
      </td>
    </tr>
  );
}

function NewTeam({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const send = async () => {
    await body(api.POST("/admin/v1/principals", { body: { kind: "team", name: name.trim() } }));
    await queries.invalidateQueries({ queryKey: ["principals"] });
  };
  const form = useForm(send, ["name"], onClose);
  return (
    <Sheet title={t("teams.new")} about={t("teams.about")} open onClose={onClose}>
      <form className="form" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        <Field label={t("people.name")} value={name} onChange={(e) => setName(e.target.value)} required maxLength={100} problem={form.problemOf("name")} />
        {form.whole && <Problem>{form.whole}</Problem>}
        <div className="answers">
          <button className="btn btn-fill" disabled={form.busy}>
            {t("teams.make")}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            {t("act.leave")}
          </button>
        </div>
      </form>
    </Sheet>
  );
}

function Members({ of: team, onClose }: { of: Principal; onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const people = usePeople().data ?? [];
  const inside = (id: string) => people.some((one) => one.id === id && one.teams.some((of) => of.id === team.id));
  const [changes, setChanges] = useState<Record<string, boolean>>({});
  const send = async () => {
    for (const [member, wanted] of Object.entries(changes)) {
      if (wanted === inside(member)) continue;
      const params = { path: { id: team.id, member } };
      await (wanted ? body(api.PUT("/admin/v1/principals/{id}/members/{member}", { params })) : body(api.DELETE("/admin/v1/principals/{id}/members/{member}", { params })));
    }
    await queries.invalidateQueries({ queryKey: ["people"] });
  };
  const form = useForm(send, [], onClose);
  return (
    <Sheet title={t("teams.change_of", { name: team.name })} open onClose={onClose}>
      <form className="form" onSubmit={form.onSubmit}>
        <fieldset className="bare">
          <legend className="vh">{t("teams.members")}</legend>
          {people.map((one) => (
            <label key={one.id} className="tick">
              <input type="checkbox" checked={changes[one.id] ?? inside(one.id)} onChange={(e) => setChanges({ ...changes, [one.id]: e.target.checked })} /> <span dir="auto">{one.name}</span>
            </label>
          ))}
        </fieldset>
        {form.whole && <Problem>{form.whole}</Problem>}
        <div className="answers">
          <button className="btn btn-fill" disabled={form.busy}>
            {t("act.keep")}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            {t("act.leave")}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
