// What an answer was given of memory, under the answer: each piece with where and when it was said and what spoke for it. Any can be left out,
// and the same asked again; what was said is asked for when this opens.
import { Link } from "@tanstack/react-router";
import { useRef, useState, type KeyboardEvent } from "react";
import type { Recalling, ToldPiece, Why } from "../../../api/memory";
import type { Message } from "../../../api/talk";
import { useText, type Key } from "../../../i18n";
import { Shown } from "../../../parts/faces";
import { Linkish } from "../../../parts/small";
import { composing } from "../../../shell/keyboard";
import { useTold } from "../data";
import { plain } from "../list/plain";

const SHOWN_LETTERS = 600; // of a message: more than the lines it has
const WHY: Record<Why, Key> = { words: "memory.why.words", meaning: "memory.why.meaning", time: "memory.why.time", name: "memory.why.name" };

interface Props {
  id: string;
  message: Message;
  onAgain: (how: Recalling) => void;
  onTold: () => void;
  onClose: () => void;
}

export default function Remembered({ id, message, onAgain, onTold, onClose }: Props) {
  const { t } = useText();
  const [out, setOut] = useState<readonly string[]>([]);
  const here = useRef<HTMLElement>(null);
  const given = message.memory?.given ?? [];
  const without = message.memory?.without ?? [];
  const off = message.memory?.off;
  const again = (how: Recalling) => {
    // This answer gives way to the new one, and the focus would go with it.
    here.current?.closest<HTMLElement>(".scroll")?.focus();
    onAgain(how);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || composing(event)) return;
    event.stopPropagation();
    onClose();
  };
  const toggle = (piece: string) => setOut((had) => (had.includes(piece) ? had.filter((one) => one !== piece) : [...had, piece]));
  return (
    <section ref={here} id={id} className="remembered" aria-label={t("memory.panel")} onKeyDown={onKeyDown}>
      <p className="meta">{t(off === "asked" ? "memory.off.asked" : given.length > 0 ? "memory.about" : "memory.about.left_out")}</p>
      {given.length > 0 && <Pieces message={message} out={out} toggle={toggle} />}
      <div className="answers">
        {given.length > 0 && (
          <button type="button" className="btn" disabled={out.length === 0} aria-describedby={out.length === 0 ? `${id}-tick` : undefined} onClick={() => again({ without: [...new Set([...without, ...out])] })}>
            {t("memory.again")}
          </button>
        )}
        {given.length > 0 && out.length === 0 && (
          <span id={`${id}-tick`} className="meta">
            {t("memory.again.tick")}
          </span>
        )}
        <span className="others">
          {off === "asked" && <Linkish onClick={() => again({})}>{t("memory.again.used")}</Linkish>}
          {off !== "asked" && without.length > 0 && <Linkish onClick={() => again({})}>{t("memory.again.all")}</Linkish>}
          {off !== "asked" && <Linkish onClick={() => again({ memory: false })}>{t("memory.again.unused")}</Linkish>}
          <Linkish onClick={onTold}>{t("told.title")}</Linkish>
        </span>
      </div>
    </section>
  );
}

function Pieces({ message, out, toggle }: { message: Message; out: readonly string[]; toggle: (piece: string) => void }) {
  const { t } = useText();
  return (
    <Shown of={useTold(message.conversation, message.id)} rows={3}>
      {({ memory: pieces }) =>
        pieces.length === 0 ? (
          <p className="small soft">{t("memory.none")}</p>
        ) : (
          <ul>
            {pieces.map((one) => (
              <Piece key={one.id} of={one} out={out.includes(one.id)} toggle={() => toggle(one.id)} />
            ))}
          </ul>
        )
      }
    </Shown>
  );
}

function Piece({ of: one, out, toggle }: { of: ToldPiece; out: boolean; toggle: () => void }) {
  const { t, times, listed } = useText();
  const at = one.created_at === null ? null : new Date(one.created_at * 1000);
  const day = at ? times.near(at) : "";
  const title = one.title || t("talk.untitled");
  const gone = one.gone || one.messages.length === 0;
  const why = listed(one.why.flatMap((each) => (WHY[each] ? [t(WHY[each])] : [])));
  return (
    <li>
      <div className="t">
        {gone ? (
          <span dir="auto">{one.title}</span>
        ) : (
          <Link to="/talk/{-$id}" params={{ id: one.conversation }} search={{ at: one.messages[0]?.id ?? one.id }} preload={false} dir="auto">
            {title}
          </Link>
        )}
        {at && <time dateTime={at.toISOString()}>{day}</time>}
      </div>
      {gone ? (
        <p className="small soft">{t("memory.gone")}</p>
      ) : (
        one.messages.map((each) => (
          <p key={each.id} className="said">
            <b>{each.role === "user" ? t("talk.you") : "Steward"}</b> <bdi>{plain(each.text.slice(0, SHOWN_LETTERS))}</bdi>
          </p>
        ))
      )}
      {!gone && (
        <div className="why meta">
          <span>{why ? t("memory.found_by", { why }) : t("memory.nearest")}</span>
          <label className="tick">
            <input type="checkbox" checked={out} onChange={toggle} aria-label={t("memory.leave_out.of", { title, day })} /> <span>{t("memory.leave_out")}</span>
          </label>
        </div>
      )}
    </li>
  );
}
