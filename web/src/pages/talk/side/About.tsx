// What a conversation is called and where it lies: title, pin, folder, project with its instructions, archive; taking it along; deleting it.
import { useState, type FormEvent } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { exportAddress, type Conversation } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Field, Problem, useErrorText } from "../../../parts/form";
import { useGo, usePlace, useProjects, useWorld } from "../data";
import { ProjectPart } from "./ProjectPart";

export default function About({ conversation: one, onShare }: { conversation: Conversation; onShare: () => void }) {
  const { t, times, figures } = useText();
  const place = usePlace(one.id);
  const words = useErrorText();
  const began = new Date(one.created_at * 1000);
  if (!one.mine)
    return (
      <>
        <p className="small soft">{t("talk.read_only")}</p>
        <Exports id={one.id} />
      </>
    );
  return (
    <>
      <p className="meta apart-below">{t("talk.since", { count: one.messages, messages: figures.whole(one.messages), day: times.day(began) })}</p>
      {one.remember === false && (
        <p className="small soft apart-below">
          <b>{t("trace.mark")}.</b> {t("trace.about")}
        </p>
      )}
      {place.error && <Problem>{words(place.error)}</Problem>}
      <TitleAndFolder key={`${one.title ?? ""} ${one.folder ?? ""}`} of={one} onPlace={place.mutate} />
      <div className="answers after">
        <button type="button" className="btn" aria-pressed={one.pinned} onClick={() => place.mutate({ pinned: !one.pinned })}>
          {t(one.pinned ? "talk.unpin" : "talk.pin")}
        </button>
        <button type="button" className="btn" aria-pressed={one.archived} onClick={() => place.mutate({ archived: !one.archived })}>
          {t(one.archived ? "talk.unarchive" : "talk.archive")}
        </button>
        <button type="button" className="btn only-phone" onClick={onShare}>
          {t("talk.share")}
        </button>
      </div>
      <ProjectPart of={one} onPlace={(project) => place.mutate({ project })} />
      <Exports id={one.id} />
      <Deleting of={one} />
    </>
  );
}

function TitleAndFolder({ of: one, onPlace }: { of: Conversation; onPlace: (change: { title?: string; folder?: string | null }) => void }) {
  const { t } = useText();
  const folders = useProjects().data?.folders ?? [];
  const [title, setTitle] = useState(one.title ?? "");
  const [folder, setFolder] = useState(one.folder ?? "");
  const changed = title.trim() !== (one.title ?? "") || folder.trim() !== (one.folder ?? "");
  const send = (event: FormEvent) => {
    event.preventDefault();
    onPlace({ ...(title.trim() !== (one.title ?? "") ? { title: title.trim() } : {}), ...(folder.trim() !== (one.folder ?? "") ? { folder: folder.trim() || null } : {}) });
  };
  return (
    <form className="form" onSubmit={send}>
      <Field label={t("talk.title")} hint={one.title_by === "person" ? undefined : t("talk.title.by_itself")} value={title} maxLength={200} onChange={(event) => setTitle(event.target.value)} />
      <Field label={t("talk.folder")} hint={t("talk.folder.hint")} value={folder} maxLength={100} list="talk-folders" onChange={(event) => setFolder(event.target.value)} />
      <datalist id="talk-folders">
        {folders.map((each) => (
          <option key={each.name} value={each.name} />
        ))}
      </datalist>
      {changed && (
        <div className="answers">
          <button className="btn btn-fill">{t("talk.keep")}</button>
        </div>
      )}
    </form>
  );
}

function Exports({ id }: { id: string }) {
  const { t } = useText();
  return (
    <>
      <h3 className="after">{t("talk.export")}</h3>
      <p className="below">
        {(["markdown", "json", "html"] as const).map((format) => (
          <a key={format} href={exportAddress(id, format)} download>
            {t(`talk.export.${format}`)}
          </a>
        ))}
      </p>
    </>
  );
}

function Deleting({ of: one }: { of: Conversation }) {
  const { t } = useText();
  const world = useWorld();
  const go = useGo();
  const words = useErrorText();
  const queries = useQueryClient();
  const [why, setWhy] = useState("");
  const remove = async () => {
    try {
      await world.remove(one, one.title || t("talk.untitled"));
      world.forget(one.id);
      queries.removeQueries({ queryKey: ["conversation", one.id] });
      void queries.invalidateQueries({ queryKey: ["conversations"] });
      go();
    } catch (error) {
      setWhy(words(error));
    }
  };
  return (
    <>
      <h3 className="after">{t("talk.delete.title")}</h3>
      <p className="small soft">{t("talk.delete.about")}</p>
      {why && <Problem>{why}</Problem>}
      <div className="answers after">
        <button type="button" className="btn" onClick={() => void remove()}>
          {t("talk.delete")}
        </button>
      </div>
    </>
  );
}
