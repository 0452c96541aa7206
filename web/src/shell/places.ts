// The places of the app, in the order of the rail: what "G" and a letter, the rail and the palette lead to.
import type { Key } from "../i18n";
import type { Role } from "../api/people";

export interface Place {
  to: "/talk" | "/use" | "/settings";
  name: Key;
  letter: string;
}

/** For a link: "/talk" is an address of "/talk/{-$id}", which the router's types don't know. */
export const addressOf = (place: Place): "/use" => place.to as "/use";

export const PLACES: readonly Place[] = [
  { to: "/talk", name: "nav.talk", letter: "c" },
  { to: "/use", name: "nav.use", letter: "u" },
  { to: "/settings", name: "nav.settings", letter: "s" },
];

export const PARTS = ["models", "keys", "people", "budgets", "server", "changes", "you"] as const;
export type Part = (typeof PARTS)[number];

/** Which parts of the settings a role has: the owner's everything, others their own things. */
export function partsOf(role: Role): readonly Part[] {
  if (role === "owner") return PARTS;
  return role === "member" ? ["keys", "you"] : ["you"];
}
