// A conversation that has not begun: the first message makes it, under an id made here, so that it can begin without a line too.
import { useEffect, useRef, useSyncExternalStore } from "react";
import { Link } from "@tanstack/react-router";
import { newId } from "../../../api/ids";
import { useMe } from "../../../api/session";
import type { Attachment } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Empty } from "../../../parts/faces";
import { useTitle } from "../../../shell/title";
import { Composer, type ComposerHandle } from "../compose/Composer";
import { useGo, useModels, useProjects, useWorld } from "../data";
import { sendingTo } from "./sending";
import { useChoice } from "./useChoice";
import { useDrop } from "./useDrop";

export function NewConversation() {
  const { t } = useText();
  const world = useWorld();
  const me = useMe();
  const go = useGo();
  const models = useModels();
  const { place, name } = useListedPlace();
  const { choice, choose } = useChoice(place.project ? { project: place.project } : undefined, "");
  const compose = useRef<ComposerHandle>(null);
  const drop = useDrop((files) => compose.current?.add(files));
  useTitle(t("nav.talk"));
  useEffect(() => {
    // After a deletion the keys stay free for the one that undoes it.
    if (!matchMedia("(pointer: coarse)").matches && !world.lastDeleted()) compose.current?.focus();
  }, [world]);
  const send = (text: string, attachments: Attachment[], name: string, remember: boolean) => {
    const id = newId("conv");
    void world.outbox.send({ ...sendingTo(id, name), text, attachments, make: remember ? place : { ...place, remember } });
    go(id);
  };
  return (
    <section className="conv fresh" aria-label={t("talk.new")} {...drop.on}>
      <header className="conv-h">
        <div className="row">
          <h1>{t("nav.talk")}</h1>
        </div>
      </header>
      <div className="scroll">
        {me.role === "guest" ? (
          <Empty title={t("talk.guest.title")}>{t("talk.guest.about")}</Empty>
        ) : models.data?.length === 0 ? (
          <Empty title={t("talk.no_model.title")} act={<Link className="btn btn-fill" to="/settings/$part" params={{ part: "models" }}>{t("settings.models")}</Link>}>
            {t("talk.no_model.about")}
          </Empty>
        ) : (
          <Empty title={t("talk.empty.title")}>
            {name ? t("talk.empty.in", { name }) : ""} {t("talk.empty.about")}
          </Empty>
        )}
      </div>
      {me.role !== "guest" && <Composer ref={compose} conversation="new" choice={choice} onChoose={choose} onSend={send} since={undefined} onStop={() => undefined} />}
      {drop.over && <div className="dropping">{t("talk.drop")}</div>}
    </section>
  );
}

/** A conversation that is begun while a project or a folder is listed begins there. */
function useListedPlace(): { place: { project?: string; folder?: string }; name: string } {
  const world = useWorld();
  const projects = useProjects().data?.data ?? [];
  const which = useSyncExternalStore(world.watch, world.listed);
  const rest = which.slice(2);
  if (which.startsWith("p:")) return { place: { project: rest }, name: projects.find((one) => one.id === rest)?.name ?? "" };
  return which.startsWith("f:") ? { place: { folder: rest }, name: rest } : { place: {}, name: "" };
}
