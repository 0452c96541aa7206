// Who is signed in. Pages inside stand under <SignedIn>, so that they can count on a person.
import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, type ReactNode } from "react";
import { onHappening } from "./client";
import { people, type Person, type Session } from "./people";

const SESSION = { queryKey: ["session"], queryFn: people.session, staleTime: 60_000, retry: false } as const;

export function useSession() {
  return useQuery(SESSION);
}

/** Asked before the first drawing: everything waits for it. */
export function askForSession(queries: QueryClient): void {
  void queries.prefetchQuery(SESSION);
}

/** Puts a session in place; with another person than before, nothing of theirs stays in memory. */
export function useEnter(): (session: Session) => void {
  const queries = useQueryClient();
  return (session) => {
    // The session itself is watched: it is changed in its place.
    queries.removeQueries({ predicate: (query) => query.queryKey[0] !== "link" && query.queryKey[0] !== "session" });
    queries.setQueryData(["session"], session);
  };
}

/** When the server says that the session has ended, the sign-in page comes in place. */
export function useSessionEnd(): void {
  const queries = useQueryClient();
  useEffect(
    () =>
      onHappening((what) => {
        if (what === "session_ended") queries.setQueryData(["session"], { object: "session", signed_in: false } satisfies Session);
      }),
    [queries],
  );
}

const Context = createContext<Person | undefined>(undefined);

export function SignedIn({ person, children }: { person: Person; children: ReactNode }) {
  return <Context value={person}>{children}</Context>;
}

export function useMe(): Person {
  const person = useContext(Context);
  if (!person) throw new Error("useMe outside of SignedIn");
  return person;
}

export function useIsOwner(): boolean {
  return useMe().role === "owner";
}
