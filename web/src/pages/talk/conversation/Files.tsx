// What came with a message: pictures as such, other files by name, size and what was read of them.
import type { Attachment } from "../../../api/talk";
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

/** Size, pages, how much was read; and, where something could not be read, the server's sentence that says why. */
export function FileFacts({ of: one }: { of: Attachment }) {
  const { t, listed, figures } = useText();
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
  const why = typeof one.error === "string" ? one.error : one.error?.message;
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
