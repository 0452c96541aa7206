// What came with a message: pictures as such, other files by name, size and what was read of them.
import type { Attachment, Reason } from "../../../api/talk";
import { attachmentAddress } from "../../../api/talk";
import { useText, type Key } from "../../../i18n";

export const SHOWN = /^image\/(png|jpeg|gif|webp)$/;

export function Files({ of }: { of: readonly Attachment[] }) {
  return (
    <ul className="files">
      {of.map((one) => (
        <li key={one.id ?? one.name}>{!one.id ? <NamedOnly of={one} /> : SHOWN.test(one.type) ? <Picture of={one} /> : <OneFile of={one} />}</li>
      ))}
    </ul>
  );
}

function Picture({ of: one }: { of: Attachment }) {
  return (
    <a href={attachmentAddress(one.id)} target="_blank" rel="noopener">
      <img src={attachmentAddress(one.id)} alt={one.name} loading="lazy" decoding="async" />
    </a>
  );
}

/** In what is shared by a link files are named, not handed out. */
function NamedOnly({ of: one }: { of: Attachment }) {
  return (
    <span className="file">
      <bdi>{one.name}</bdi>
    </span>
  );
}

function OneFile({ of: one }: { of: Attachment }) {
  return (
    <a href={attachmentAddress(one.id)} download={one.name} className="file">
      <bdi>{one.name}</bdi> <FileFacts of={one} />
    </a>
  );
}

/** What a part of the file is called where it isn't a page. */
function partsOf(type: string): Key {
  if (/spreadsheet|ms-excel/.test(type)) return "talk.file.sheets";
  if (/presentation|ms-powerpoint/.test(type)) return "talk.file.slides";
  return type.includes("epub") ? "talk.file.chapters" : "talk.file.pages";
}

/** Why nothing of a file was read, or what was left out: by their codes, and the server's sentences where one is not known here. */
export function useWhy(): (of: Attachment) => string {
  const { t, figures, language } = useText();
  const one = ({ code, count = 0, kept = 0 }: Reason): string | undefined => {
    const key = WHY[code];
    return key && t(key, { count, whole: figures.whole(count), kept: code === "text_cut" ? figures.bytes(kept) : figures.whole(kept) });
  };
  return (of) => {
    const said = (of.reasons ?? []).map(one);
    const known = said.length > 0 && said.every(Boolean);
    return known ? said.join(language === "zh" ? "" : " ") : (of.error ?? "");
  };
}

const WHY: Record<string, Key | undefined> = {
  protected: "talk.file.why.protected",
  damaged: "talk.file.why.damaged",
  bomb: "talk.file.why.bomb",
  memory: "talk.file.why.memory",
  timeout: "talk.file.why.timeout",
  crashed: "talk.file.why.crashed",
  io_error: "talk.file.why.io_error",
  queue_full: "talk.file.why.queue_full",
  request_timeout: "talk.file.why.queue_full",
  text_cut: "talk.file.why.text_cut",
  time_cut: "talk.file.why.time_cut",
  pages_cut: "talk.file.why.pages_cut",
  sheets_cut: "talk.file.why.sheets_cut",
  slides_cut: "talk.file.why.slides_cut",
  chapters_cut: "talk.file.why.chapters_cut",
  parts_cut: "talk.file.why.parts_cut",
  pages_until: "talk.file.why.pages_until",
  pages_damaged: "talk.file.why.pages_damaged",
  part_damaged: "talk.file.why.part_damaged",
  no_text: "talk.file.why.no_text",
  archive: "talk.file.why.archive",
  binary_workbook: "talk.file.why.binary_workbook",
  old_office: "talk.file.why.old_office",
  picture_kind: "talk.file.why.picture_kind",
  unknown_kind: "talk.file.why.unknown_kind",
};
export const KNOWN_REASONS = Object.keys(WHY);

/** Size, pages, how much was read; and, where something could not be read, why. */
export function FileFacts({ of: one }: { of: Attachment }) {
  const { t, listed, figures } = useText();
  const why = useWhy()(one);
  if (one.state === "gone")
    return (
      <span className="why need" role="alert">
        {t("talk.file.gone")}
      </span>
    );
  const said = [figures.bytes(one.bytes)];
  if (one.pages) said.push(t(partsOf(one.type), { count: one.pages }));
  if (one.state === "reading") said.push(t("talk.file.reading"));
  else if (one.state === "failed") said.push(t("talk.file.failed"));
  else if (one.characters) said.push(t("talk.file.letters", { count: one.characters, letters: figures.count(one.characters) }));
  else if (one.kind === "other") said.push(t("talk.file.other"));
  return (
    <>
      <span className="meta">{listed(said)}</span>
      {why && (
        <span className={one.state === "failed" ? "why need" : "why soft"} dir="auto">
          {why}
        </span>
      )}
    </>
  );
}
