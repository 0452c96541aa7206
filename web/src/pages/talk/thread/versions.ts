// Versions of a message: which are beside it, and which one the keys move.
import type { Message, Versions } from "../../../api/talk";

/** The version before (-1) or after (1), if there is one. */
export function beside(versions: Versions, step: -1 | 1): string | undefined {
  return (step < 0 ? versions.previous : versions.next) ?? undefined;
}

/** The message whose versions Alt with an arrow goes through: the one that has the focus, else the last one that has several. */
export function movedByKeys(messages: readonly Message[], focused: string | undefined): Message | undefined {
  const here = messages.find((one) => one.id === focused);
  if (here && here.versions.count > 1) return here;
  for (let i = messages.length - 1; i >= 0; i -= 1) {
    const one = messages[i];
    if (one && one.versions.count > 1) return one;
  }
  return undefined;
}

/** Where an edited message hangs: beside the one it replaces. */
export function editOf(message: Message): { parent: string | null } {
  return { parent: message.parent };
}

/** The model that should have answered and is not here any more. */
export function goneModel(message: Pick<Message, "error" | "model">): string | undefined {
  if (message.error?.code !== "model_not_found") return undefined;
  const told = message.error.details?.model;
  return typeof told === "string" && told ? told : (message.model ?? undefined);
}

/** The last thing that the person said on this path. */
export function lastOwn(messages: readonly Message[]): Message | undefined {
  return messages.findLast((one) => one.role === "user");
}
