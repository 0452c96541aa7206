// People and sessions: what the sign-in, the account and the people pages ask.
import { call } from "./call";
import { setSignedIn } from "./client";

export type Role = "owner" | "member" | "guest";

export interface Person {
  id: string;
  name: string;
  email: string;
  role: Role;
  disabled: boolean;
  time_zone: string | null;
  teams: { id: string; name: string }[];
  status: "active" | "invited" | "no_password" | "disabled";
  last_seen_at: string | null;
}

export type Session =
  | { object: "session"; signed_in: false }
  | { object: "session"; signed_in: true; id: string; csrf_token: string; expires_at: string; idle_expires_at: string; person: Person };

export interface LinkLook {
  kind: "first" | "invitation" | "recovery";
  person: { name: string; email: string };
  role: Role;
  teams: string[];
  invited_by: string;
  organisation: string;
  password_characters: number; // the least that a password has
  expires_at: string;
}

export interface Link {
  id: string;
  kind: string;
  link: string;
  person: { id?: string; name: string; email: string };
  role: Role;
  expires_at: string;
}

export interface Invitation {
  id: string;
  status: "open" | "used" | "expired" | "withdrawn";
  name: string;
  email: string;
  role: Role;
  teams: string[];
  invited_by: string;
  created_at: string;
  expires_at: string;
}

export interface SessionEntry {
  id: string;
  current: boolean;
  opened_at: string;
  last_seen_at: string;
  expires_at: string;
  browser: string;
  address: string;
}

export interface MySettings {
  values: Record<string, string | number | boolean>;
}

const part = encodeURIComponent;

function entered(session: Session): Session {
  if (session.signed_in) setSignedIn(session.csrf_token, session.person.id);
  else setSignedIn("", "");
  return session;
}

export const people = {
  session: async () => entered(await call<Session>("get", "/v1/session")),
  signIn: async (name: string, password: string) => entered(await call<Session>("post", "/v1/session", { name, password })),
  signOut: async () => entered(await call<Session>("delete", "/v1/session")),
  lookAtLink: (token: string) => call<LinkLook>("post", "/v1/session/link/look", { token }),
  useLink: async (given: { token: string; name?: string; password: string; time_zone: string }) => entered(await call<Session>("post", "/v1/session/link", given)),

  changeMe: (change: { name?: string; email?: string; time_zone?: string; current_password?: string }) => call<Person>("patch", "/v1/me", change),
  changePassword: async (current_password: string, new_password: string) => entered(await call<Session>("post", "/v1/me/password", { current_password, new_password })),
  mySettings: () => call<MySettings>("get", "/v1/me/settings"),
  changeMySettings: (values: Record<string, string | number | boolean | null>) => call<MySettings>("patch", "/v1/me/settings", { values }),
  mySessions: async () => (await call<{ data: SessionEntry[] }>("get", "/v1/me/sessions")).data,
  endSession: (id: string) => call<SessionEntry>("delete", `/v1/me/sessions/${part(id)}`),
  signOutEverywhere: () => call<{ count: number }>("post", "/v1/me/sessions/revoke", { keep_current: true }),

  all: async () => (await call<{ data: Person[] }>("get", "/admin/v1/people?limit=1000")).data,
  change: (id: string, change: { role?: Role; disabled?: boolean }) => call<Person>("patch", `/admin/v1/people/${part(id)}`, change),
  link: (id: string) => call<Link>("post", `/admin/v1/people/${part(id)}/link`, {}),
  signOutOf: (id: string) => call<{ count: number }>("post", `/admin/v1/people/${part(id)}/sign_out`, {}),
  invitations: async () => (await call<{ data: Invitation[] }>("get", "/admin/v1/invitations?limit=1000")).data,
  invite: (given: { name?: string; email?: string; role: Role; teams: string[] }) => call<Link>("post", "/admin/v1/invitations", given),
  withdraw: (id: string) => call<Invitation>("delete", `/admin/v1/invitations/${part(id)}`),
};
