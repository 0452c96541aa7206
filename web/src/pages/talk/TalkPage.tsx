// Talk: the conversations, the one that is open, and what stands beside it. On a phone one of them at a time.
import { useParams } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useKeys } from "../../shell/keyboard";
import { useSingleKeys } from "../../shell/preferences";
import { OpenConversation } from "./conversation/Conversation";
import { NewConversation } from "./conversation/NewConversation";
import { useConversation, useGo, useWorld } from "./data";
import { ConversationList } from "./list/ConversationList";
import { Panel, type Beside } from "./side/Panel";
import { UndoBar } from "./UndoBar";

export function TalkPage() {
  const { id } = useParams({ strict: false });
  const world = useWorld();
  const go = useGo();
  const [beside, setBeside] = useState<Beside>();
  const searching = useRef<HTMLInputElement>(null);
  const conversation = useConversation(id).data;
  useEffect(() => setBeside(undefined), [id]);
  useKeys(
    {
      n: () => go(),
      "/": () => searching.current?.focus(),
    },
    useSingleKeys(),
  );
  // On a phone: the list over the place to begin a new one, or the conversation alone.
  const face = id ? "in" : "out";
  return (
    <div className={`talk ${face}${beside && conversation ? " panelopen" : ""}`}>
      <ConversationList search={searching} />
      {id ? <OpenConversation key={id} id={id} beside={beside} onBeside={setBeside} /> : <NewConversation />}
      {beside && conversation && id && <Panel which={beside} conversation={conversation} thread={world.thread(id)} onBeside={setBeside} />}
      <UndoBar />
    </div>
  );
}
