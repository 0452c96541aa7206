// Who answers next: what was chosen for this conversation, else who answered last in it, its project's model, what was chosen last anywhere.
import { useCallback, useState } from "react";
import type { Conversation } from "../../../api/talk";
import { nameOf, useOffered, useProjects, useWorld } from "../data";

const LAST = "choice";

export function useChoice(conversation: Partial<Conversation> | undefined, answered: string) {
  const { kept } = useWorld();
  const { names } = useOffered();
  const projects = useProjects().data?.data ?? [];
  const [chosen, setChosen] = useState("");
  const has = (name: string | null | undefined) => Boolean(name) && names.some((one) => one === name);
  const project = projects.find((one) => one.id === conversation?.project)?.model;
  const wanted = [chosen, answered, conversation ? nameOf(conversation) : "", project, kept.peek<string>(LAST), "deep", "fast", names[0]];
  const choice = wanted.find(has) ?? "";
  const choose = useCallback(
    (name: string) => {
      setChosen(name);
      void kept.set(LAST, name);
    },
    [kept],
  );
  return { choice, choose };
}
