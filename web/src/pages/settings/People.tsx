// People: invited by a link, with a role; teams; invitations that are still open.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { people, type Invitation, type Link, type Person, type Role } from "../../api/people";
import { useMe } from "../../api/session";
import { dateOf } from "../../format/when";
import { useText, type Key } from "../../i18n";
import { Sheet } from "../../parts/dialog";
import { Empty, Shown } from "../../parts/faces";
import { Choice, Field, Problem, useForm } from "../../parts/form";
import { useOpened } from "../../parts/opened";
import { usePointed } from "../../parts/pointed";
import { Ask, Linkish, Secret } from "../../parts/small";
import { Teams, useTeams } from "./Teams";

export const ROLES: readonly Role[] = ["owner", "member", "guest"];

export default function People() {
  return (
    <>
      <Everybody />
      <Invitations />
      <Teams />
    </>
  );
}

export function usePeople() {
  return useQuery({ queryKey: ["people"], queryFn: people.all });
}

function Everybody() {
  const { t } = useText();
  const all = usePeople();
  const [inviting, setInviting] = useOpened("invite");
  return (
    <section aria-labelledby="people">
      <div className="sect-h">
        <h2 id="people">{t("settings.people")}</h2>
        <span className="end small">
          <Linkish onClick={() => setInviting(true)}>{t("people.invite")}</Linkish>
        </span>
      </div>
      <Shown of={all}>
        {(rows) => (
          <table className="tbl">
            <thead>
              <tr>
                <th>{t("people.name")}</th>
                <th>{t("people.role")}</th>
                <th className="opt">{t("people.seen")}</th>
                <th className="n">
                  <span className="vh">{t("act.acts")}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((person) => (
                <Line key={person.id} person={person} />
              ))}
            </tbody>
          </table>
        )}
      </Shown>
      {inviting && <Invite onClose={() => setInviting(false)} />}
    </section>
  );
}

const STATUS: Record<string, Key> = { invited: "people.invited", no_password: "people.no_password", disabled: "people.disabled" };

function Line({ person }: { person: Person }) {
  const { t, listed, times } = useText();
  const me = useMe();
  const queries = useQueryClient();
  const [link, setLink] = useState<Link>();
  const fresh = () => queries.invalidateQueries({ queryKey: ["people"] });
  const [wanted, setWanted] = useState<Role>();
  const self = person.id === me.id;
  const pointed = usePointed(person.id);
  const seen = dateOf(person.last_seen_at);
  const status = STATUS[person.status];
  const change = async (change: { role?: Role; disabled?: boolean }) => {
    await people.change(person.id, change);
    await fresh();
  };
  return (
    <tr className={person.disabled ? "gone" : undefined} {...pointed}>
      <td>
        <span dir="auto">{person.name}</span>
        <span className="meta">{listed([person.email ?? "", ...person.teams.map((team) => team.name), self ? t("people.you") : ""])}</span>
      </td>
      <td>
        {t(`role.${person.role}`)}
        {status && <span className="meta">{t(status)}</span>}
      </td>
      <td className="opt faint">{seen ? times.near(seen) : t("people.never")}</td>
      <td className="n">
        {!self && (
          <span className="acts">
            <Linkish aria-label={t("people.role_of", { name: person.name })} onClick={() => setWanted(person.role)}>
              {t("people.role_change")}
            </Linkish>
            <Ask title={t("people.link.title", { name: person.name })} about={t("people.link.about")} verb={t("people.link.act")} act={async () => setLink(await people.link(person.id))}>
              {(ask) => (
                <Linkish aria-label={t("people.link_of", { name: person.name })} onClick={ask}>
                  {t("people.link")}
                </Linkish>
              )}
            </Ask>
            <Ask title={t("people.sign_out.title", { name: person.name })} about={t("people.sign_out.about")} verb={t("people.sign_out")} act={() => people.signOutOf(person.id)}>
              {(ask) => (
                <Linkish aria-label={t("people.sign_out_of", { name: person.name })} onClick={ask}>
                  {t("people.sign_out")}
                </Linkish>
              )}
            </Ask>
            {person.disabled ? (
              <Linkish aria-label={t("people.enable_of", { name: person.name })} onClick={() => void change({ disabled: false })}>
                {t("people.enable")}
              </Linkish>
            ) : (
              <Ask title={t("people.disable.title", { name: person.name })} about={t("people.disable.about")} verb={t("people.disable")} act={() => change({ disabled: true })}>
                {(ask) => (
                  <Linkish aria-label={t("people.disable_of", { name: person.name })} onClick={ask}>
                    {t("people.disable")}
                  </Linkish>
                )}
              </Ask>
            )}
          </span>
        )}
        {link && <ShowLink link={link} onClose={() => setLink(undefined)} />}
        {wanted && <RoleSheet person={person} onClose={() => setWanted(undefined)} change={change} />}
      </td>
    </tr>
  );
}

function RoleSheet({ person, onClose, change }: { person: Person; onClose: () => void; change: (change: { role: Role }) => Promise<void> }) {
  const { t } = useText();
  const [role, setRole] = useState(person.role);
  const form = useForm(() => change({ role }), ["role"], onClose);
  return (
    <Sheet title={t("people.role_of", { name: person.name })} about={t(`role.${role}.about`)} open onClose={onClose}>
      <form className="form" onSubmit={form.onSubmit}>
        <Choice label={t("people.role")} value={role} onChange={(e) => setRole(ROLES.find((one) => one === e.target.value) ?? role)} options={ROLES.map((one) => [one, t(`role.${one}`)] as const)} />
        {(form.whole ?? form.problemOf("role")) && <Problem>{form.whole ?? form.problemOf("role")}</Problem>}
        <div className="answers">
          <button className="btn btn-fill" disabled={form.busy || role === person.role}>
            {t("people.role_act", { role: t(`role.${role}`) })}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            {t("act.leave")}
          </button>
        </div>
      </form>
    </Sheet>
  );
}

function ShowLink({ link, onClose }: { link: Link; onClose: () => void }) {
  const { t, times } = useText();
  const until = dateOf(link.expires_at);
  return (
    <Sheet title={t("people.link.made", { name: link.person.name || link.person.email || t("people.somebody") })} open onClose={onClose}>
      <div className="after">
        <Secret value={link.link} about={t("people.link.once", { when: until ? times.full(until) : "" })} />
      </div>
      <div className="answers after">
        <button className="btn btn-fill" onClick={onClose}>
          {t("keys.have_it")}
        </button>
      </div>
    </Sheet>
  );
}

function Invite({ onClose }: { onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const teams = useTeams().data ?? [];
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [team, setTeam] = useState("");
  const send = async () => {
    const made = await people.invite({ ...(name.trim() ? { name: name.trim() } : {}), ...(email.trim() ? { email: email.trim() } : {}), role, teams: team ? [team] : [] });
    await queries.invalidateQueries({ queryKey: ["invitations"] });
    return made;
  };
  const form = useForm(send, ["name", "email", "role", "teams"]);
  if (form.done) return <ShowLink link={form.done} onClose={onClose} />;
  return (
    <Sheet title={t("people.invite")} about={t("people.invite.about")} open onClose={onClose}>
      <form className="form" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        <div className="pair">
          <Field label={t("people.name")} value={name} onChange={(e) => setName(e.target.value)} maxLength={100} hint={t("people.name.hint")} problem={form.problemOf("name")} />
          <Field label={t("people.email")} type="email" value={email} onChange={(e) => setEmail(e.target.value)} hint={t("people.email.hint")} problem={form.problemOf("email")} />
        </div>
        <div className="pair">
          <Choice label={t("people.role")} value={role} onChange={(e) => setRole(ROLES.find((one) => one === e.target.value) ?? role)} options={ROLES.map((one) => [one, t(`role.${one}`)] as const)} hint={t(`role.${role}.about`)} />
          {teams.length > 0 && <Choice label={t("people.team")} value={team} onChange={(e) => setTeam(e.target.value)} options={[["", t("people.no_team")] as const, ...teams.map((one) => [one.id, one.name] as const)]} />}
        </div>
        {form.whole && <Problem>{form.whole}</Problem>}
        <div className="answers">
          <button className="btn btn-fill" disabled={form.busy}>
            {t("people.invite.act")}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            {t("act.leave")}
          </button>
        </div>
      </form>
    </Sheet>
  );
}

function Invitations() {
  const { t } = useText();
  const open = useQuery({ queryKey: ["invitations"], queryFn: people.invitations });
  return (
    <section className="sect" aria-labelledby="invitations">
      <div className="sect-h">
        <h2 id="invitations">{t("invitations.title")}</h2>
      </div>
      <Shown of={open} rows={2}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title={t("invitations.none")} />
          ) : (
            <table className="tbl">
              <tbody>
                {rows.map((one) => (
                  <InvitationLine key={one.id} of={one} />
                ))}
              </tbody>
            </table>
          )
        }
      </Shown>
    </section>
  );
}

function InvitationLine({ of: one }: { of: Invitation }) {
  const { t, times } = useText();
  const queries = useQueryClient();
  const until = dateOf(one.expires_at);
  const who = one.name || one.email || t("people.somebody");
  const withdraw = async () => {
    await people.withdraw(one.id);
    await queries.invalidateQueries({ queryKey: ["invitations"] });
  };
  return (
    <tr>
      <td>
        <span dir="auto">{who}</span>
        {one.email && one.name && <span className="meta">{one.email}</span>}
      </td>
      <td>{t(`role.${one.role}`)}</td>
      <td className="opt faint">{until ? t("keys.until", { when: times.near(until) }) : ""}</td>
      <td className="n">
        <span className="acts">
          <Ask title={t("invitations.withdraw.title", { name: who })} about={t("invitations.withdraw.about")} verb={t("invitations.withdraw")} act={withdraw}>
            {(ask) => (
              <Linkish aria-label={t("invitations.withdraw_it", { name: who })} onClick={ask}>
                {t("invitations.withdraw")}
              </Linkish>
            )}
          </Ask>
        </span>
      </td>
    </tr>
  );
}

