// Conversations, their messages and what belongs to them, as the server tells them. docs/talk.md says what each member means.
import { asked, call } from "./call";
import type { Recalled, Recalling } from "./memory";

export type Role = "user" | "assistant" | "system" | "tool";
export type Status = "queued" | "in_progress" | "completed" | "stopped" | "incomplete" | "failed" | "erased" | "taken_back";

export interface Conversation {
  id: string;
  created_at: number; // unix seconds
  updated_at: number;
  title: string | null;
  title_by: "person" | "rule" | "model" | null;
  pinned: boolean;
  archived: boolean;
  project: string | null;
  folder: string | null;
  messages: number; // on the current path
  preview: string;
  current: string | null;
  answering: boolean;
  shared: boolean;
  owner: string;
  mine: boolean;
  by?: string | null; // whose it is, where it is another's
  model: string | null;
  route: string | null;
  remember?: boolean; // false: it leaves no trace in memory, and is given nothing of it
}

export interface Attachment {
  id: string;
  name: string;
  type: string;
  bytes: number;
  created_at: number;
  state: "reading" | "ready" | "failed" | "gone"; // gone: said here alone, of a draft's file that the server has no more
  kind: "text" | "image" | "pdf" | "office" | "other";
  pages: number | null;
  characters: number | null;
  error: string | null; // the server's sentences
  reasons?: Reason[]; // the same by codes
}

/** Why nothing of a file was read, or what of it was left out. */
export interface Reason {
  code: string;
  count?: number;
  kept?: number;
}

export interface Tool {
  name: string;
  arguments: unknown;
  result: unknown;
}

export interface Versions {
  index: number; // from 1
  count: number;
  previous: string | null;
  next: string | null;
}

export interface Message {
  id: string;
  conversation: string;
  parent: string | null;
  role: Role;
  created_at: number;
  status: Status;
  text: string;
  reasoning: string | null;
  attachments: Attachment[];
  tools: Tool[];
  model: string | null;
  route: string | null;
  usage: { input_tokens: number; output_tokens: number; reasoning_tokens?: number } | null;
  cost_nano_usd: number | null; // null with a usage: nobody told what the model costs
  duration_ms: number | null;
  first_token_ms: number | null;
  error: { code: string; message: string; details?: Record<string, unknown> } | null;
  call: string | null; // the last that made it
  calls?: string[]; // all that made it: use, cost and time are theirs together
  attempt?: number; // greater each time the answer is begun or gone on with
  versions: Versions;
  left_out?: number; // earlier messages that did not fit the model's window
  memory?: Recalled | null; // of an answer that is one's own
}

export interface TreeNode {
  id: string;
  parent: string | null;
  role: Role;
  created_at: number;
  preview: string;
  model: string | null;
  status: Status;
}

export interface Project {
  id: string;
  name: string;
  instructions: string | null;
  model: string | null;
  conversations: number;
  created_at: number;
}

export interface Folder {
  name: string;
  conversations: number;
}

export interface Found {
  id: string; // the cursor after it
  conversation: string;
  title: string | null;
  by?: string | null; // whose the conversation is, where it is another's
  message: string | null; // null: the title matched
  attachment?: string | null; // the name of the file in which the words stand
  role: Role | null;
  created_at: number | null;
  snippet: string;
  marks: [number, number][];
}

export interface Share {
  id: string;
  with: string; // "link", a person or a team
  url?: string | null; // told once
  created_at: number;
}

export interface Page<T> {
  data: T[];
  has_more: boolean;
  last_id?: string | null;
}

/** What an act on a message made: the message as it is now, and the answer to it. */
export interface Outcome {
  message: Message | null;
  answer: Message | null;
}

/** What a link shows: nothing of its owner's but their name and what was said. */
export interface SharedConversation {
  title: string;
  by: string;
  shared_at: number;
  messages: Message[];
  has_more: boolean;
}

export interface Choice {
  model?: string | undefined;
  route?: string | undefined;
}

export interface Said extends Choice {
  id: string;
  parent?: string | null | undefined;
  text: string;
  attachments: string[];
  answer: boolean;
}

/** How a conversation begins. */
export interface Beginning {
  project?: string | null;
  folder?: string | null;
  remember?: false;
}

export type Placing = Partial<Pick<Conversation, "title" | "pinned" | "archived" | "project" | "folder" | "current">>;

/** What a shared message doesn't tell. */
const BARE = {
  conversation: "",
  reasoning: null,
  attachments: [],
  tools: [],
  usage: null,
  cost_nano_usd: null,
  duration_ms: null,
  first_token_ms: null,
  error: null,
  call: null,
  versions: { index: 1, count: 1, previous: null, next: null },
};

const part = encodeURIComponent;
const of = (id: string) => `/v1/conversations/${part(id)}`;
const ofMessage = (id: string, message: string) => `${of(id)}/messages/${part(message)}`;

export interface ListOf {
  archived?: boolean;
  project?: string | undefined;
  folder?: string | undefined;
  pinned?: boolean | undefined;
}

export const talk = {
  list: (which: ListOf, after: string | undefined, limit: number) =>
    call<Page<Conversation>>("get", `/v1/conversations${asked({ limit, after, archived: which.archived ?? false, project: which.project, folder: which.folder, pinned: which.pinned })}`),
  one: (id: string) => call<Conversation>("get", of(id)),
  make: (id: string, given: Beginning) => call<Conversation>("post", "/v1/conversations", { id, ...given }),
  place: (id: string, change: Placing) => call<Conversation>("post", of(id), change),
  remove: (id: string) => call<unknown>("post", `${of(id)}/delete`, {}),
  restore: (id: string) => call<Conversation>("post", `${of(id)}/restore`, {}),

  messages: (id: string, where: { at?: string | undefined; before?: string | undefined; after?: string | undefined; limit: number }) =>
    call<Page<Message>>("get", `${of(id)}/messages${asked(where)}`),
  tree: async (id: string) => (await call<Page<TreeNode>>("get", `${of(id)}/tree`)).data,
  say: (id: string, said: Said) => call<{ message: Message; answer: Message | null }>("post", `${of(id)}/messages`, said),
  retry: (id: string, message: string, choice: Choice & Recalling) => call<Outcome>("post", `${ofMessage(id, message)}/retry`, choice),
  goOn: (id: string, message: string) => call<Outcome>("post", `${ofMessage(id, message)}/continue`, {}),
  stop: (id: string, message: string) => call<Outcome>("post", `${ofMessage(id, message)}/stop`, {}),

  attachment: (id: string) => call<Attachment>("get", `/v1/attachments/${part(id)}`),
  dropAttachment: (id: string) => call<unknown>("delete", `/v1/attachments/${part(id)}`),

  projects: () => call<Page<Project> & { folders?: Folder[] }>("get", "/v1/projects"),
  makeProject: (given: { name: string; instructions?: string }) => call<Project>("post", "/v1/projects", given),
  changeProject: (id: string, change: { name?: string; instructions?: string; model?: string | null }) => call<Project>("post", `/v1/projects/${part(id)}`, change),
  removeProject: (id: string) => call<unknown>("delete", `/v1/projects/${part(id)}`),

  search: (q: string, where: { conversation?: string | undefined; after?: string | undefined; limit: number }, signal?: AbortSignal) =>
    call<Page<Found>>("get", `/v1/search${asked({ q, ...where })}`, undefined, { signal }),

  shares: async (id: string) => (await call<Page<Share>>("get", `${of(id)}/shares`)).data,
  share: (id: string, given: { with: string; to?: string | undefined }) => call<Share>("post", `${of(id)}/shares`, given),
  unshare: (id: string, share: string) => call<unknown>("delete", `${of(id)}/shares/${part(share)}`),
  shared: async (token: string, before?: string): Promise<SharedConversation> => {
    const told = await call<SharedConversation>("get", `/v1/shared${asked({ before, limit: 100 })}`, undefined, { headers: { "x-steward-share": token } });
    return { ...told, messages: told.messages.map((one) => ({ ...BARE, ...one })) };
  },

  models: async () => (await call<{ data: ModelName[] }>("get", "/v1/models")).data,
};

export interface ModelName {
  id: string;
  owned_by: string;
  kind?: string;
  ready?: boolean;
  problem?: "key_refused";
}

export const exportAddress = (id: string, format: "markdown" | "json" | "html") => `${of(id)}/export?format=${format}`;
export const attachmentAddress = (id: string) => `/v1/attachments/${part(id)}/content`;
