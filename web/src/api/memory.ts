// Memory in use: what an answer was given of it, how it is asked for otherwise, and what the model was told. Typed here by themselves until
// the OpenAPI document has them; docs/memory.md says what each member means.
import { call } from "./call";

export type Why = "words" | "meaning" | "time" | "name";
export type Off = "asked" | "conversation" | "shared" | "settings" | "key" | "server";

/** One piece that was found: messages of one conversation that follow each other, named by the first. */
export interface Given {
  id: string;
  conversation: string;
  messages: string[];
  why: Why[];
}

/** What an answer has of memory. Nothing at all (null): nothing was looked up. */
export interface Recalled {
  given: Given[];
  without: string[]; // what it was not to be given
  off: Off | null; // why memory was not used
}

/** How an answer is asked for: without memory, or without some of it. */
export interface Recalling {
  memory?: false | undefined;
  without?: string[] | undefined;
}

export interface ToldPiece {
  id: string;
  conversation: string;
  title: string | null;
  created_at: number | null; // unix seconds; of what is gone, nobody knows it
  why: Why[];
  messages: { id: string; role: "user" | "assistant"; created_at: number; text: string }[];
  gone: boolean; // erased since: nothing of its words is left
}

/** The whole that a model was told before it answered, made anew of what there still is. */
export interface Told {
  model: string | null;
  messages: { role: "system" | "user" | "assistant"; text: string }[];
  left_out: number;
  memory: ToldPiece[];
}

const part = encodeURIComponent;

export const memory = {
  told: (conversation: string, answer: string) => call<Told>("get", `/v1/conversations/${part(conversation)}/messages/${part(answer)}/told`),
};

/** What a later try at the same answer takes over: what was left out stays out until somebody says otherwise. */
export function recallingOf(had: Recalled | null | undefined): Recalling {
  return { ...(had?.off === "asked" ? { memory: false as const } : {}), ...(had?.without.length ? { without: had.without } : {}) };
}
