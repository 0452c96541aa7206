// The project that a conversation belongs to: chosen, made, its name and the instructions that every answer in it follows.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { talk, type Conversation, type Project } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Choice, Field, Problem, useErrorText } from "../../../parts/form";
import { Ask, Linkish } from "../../../parts/small";
import { useProjects } from "../data";

const NEW = "new";

export function ProjectPart({ of: one, onPlace }: { of: Conversation; onPlace: (project: string | null) => void }) {
  const { t } = useText();
  const projects = useProjects().data?.data ?? [];
  const [editing, setEditing] = useState("");
  const mine = projects.find((each) => each.id === one.project);
  const edited = editing === NEW ? undefined : projects.find((each) => each.id === editing);
  return (
    <div className="form after">
      <Choice
        label={t("talk.project")}
        hint={mine?.instructions ? t("talk.project.instructed") : undefined}
        value={one.project ?? ""}
        onChange={(event) => (event.target.value === NEW ? setEditing(NEW) : onPlace(event.target.value || null))}
        options={[["", t("talk.project.none")], ...projects.map((each) => [each.id, each.name] as const), [NEW, t("talk.project.new")]]}
      />
      {mine && editing === "" && (
        <p className="below">
          <Linkish onClick={() => setEditing(mine.id)}>{t("talk.project.change")}</Linkish>
        </p>
      )}
      {editing !== "" && (
        <Editing
          key={editing}
          of={edited}
          onDone={(project) => {
            setEditing("");
            if (project && editing === NEW) onPlace(project.id);
          }}
        />
      )}
    </div>
  );
}

function Editing({ of: project, onDone }: { of: Project | undefined; onDone: (project?: Project) => void }) {
  const { t } = useText();
  const id = useId();
  const words = useErrorText();
  const queries = useQueryClient();
  const [name, setName] = useState(project?.name ?? "");
  const [instructions, setInstructions] = useState(project?.instructions ?? "");
  const again = () => void queries.invalidateQueries({ queryKey: ["projects"] });
  const keeping = useMutation({
    mutationFn: () => (project ? talk.changeProject(project.id, { name: name.trim(), instructions }) : talk.makeProject({ name: name.trim(), instructions })),
    onSuccess: (made) => {
      again();
      onDone(made);
    },
  });
  const remove = async () => {
    if (project) await talk.removeProject(project.id);
    again();
    void queries.invalidateQueries({ queryKey: ["conversation"] });
    onDone();
  };
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        keeping.mutate();
      }}
    >
      <Field label={t("talk.project.name")} value={name} maxLength={100} required autoFocus onChange={(event) => setName(event.target.value)} />
      <div>
        <label className="label" htmlFor={id}>
          {t("talk.project.instructions")}
        </label>
        <textarea id={id} className="input" dir="auto" rows={5} value={instructions} aria-describedby={`${id}-h`} onChange={(event) => setInstructions(event.target.value)} />
        <p className="hint" id={`${id}-h`}>
          {t("talk.project.instructions.hint")}
        </p>
      </div>
      {keeping.error && <Problem>{words(keeping.error)}</Problem>}
      <div className="answers">
        <button className="btn btn-fill" disabled={keeping.isPending || name.trim() === ""}>
          {t(project ? "talk.keep" : "talk.project.make")}
        </button>
        <button type="button" className="btn" onClick={() => onDone()}>
          {t("act.leave")}
        </button>
        {project && (
          <Ask title={t("talk.project.remove.title", { name: project.name })} about={t("talk.project.remove.about")} verb={t("talk.project.remove")} act={remove}>
            {(ask) => <Linkish onClick={ask}>{t("talk.project.remove")}</Linkish>}
          </Ask>
        )}
      </div>
    </form>
  );
}
