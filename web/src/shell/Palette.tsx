// The palette: one line to find or do anything. A combobox over groups of rows; the arrows move, Enter opens.
import * as Radix from "@radix-ui/react-dialog";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useId, useMemo, useState, type KeyboardEvent } from "react";
import { useMe } from "../api/session";
import { useText } from "../i18n";
import { putIntoDraft } from "../pages/talk/compose/draft";
import { useWorld } from "../pages/talk/data";
import { Marked as MarkedAt } from "../pages/talk/list/marked";
import { BEGINS, ranked, together, type Row } from "./find";
import { composing } from "./keyboard";
import { addressOf, PLACES, partsOf } from "./places";
import { usePaletteActs } from "./acts";
import { useConversationRows } from "./conversations";
import { useThings } from "./things";

const MOST_THINGS = 12;

export default function Palette({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }) {
  const { t } = useText();
  const id = useId();
  const [asked, setAsked] = useState("");
  const [at, setAt] = useState(0);
  const [eager, setEager] = useState(false); // Enter came before what there is to open
  const { found, ask, asking } = useFound(asked, onKeys);
  const here = Math.min(at, found.length - 1);
  const open = (row: Row | undefined) => {
    if (!row) return;
    onClose();
    row.act();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (composing(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) open(ask);
    else if (event.key === "Enter" && asking && found[here] === ask) setEager(true);
    else if (event.key === "Enter") open(found[here]);
    else if (event.key === "ArrowDown") setAt((here + 1) % Math.max(1, found.length));
    else if (event.key === "ArrowUp") setAt((here + found.length - 1) % Math.max(1, found.length));
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    if (eager && !asking) open(found[0]);
  });
  const count = found.length - (ask ? 1 : 0);
  const groups = [...new Set(found.map((row) => row.group))];
  return (
    <Radix.Root open onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <div className="scrim" onClick={onClose} />
        <Radix.Content className="palette" aria-describedby={undefined}>
          <Radix.Title className="vh">{t("palette.title")}</Radix.Title>
          <div className="q">
            <input
              role="combobox"
              aria-expanded="true"
              aria-controls={`${id}-list`}
              aria-activedescendant={found[here] ? `${id}-${here}` : undefined}
              aria-label={t("palette.title")}
              placeholder={t("palette.title")}
              value={asked}
              dir="auto"
              autoComplete="off"
              autoFocus
              spellCheck={false}
              onChange={(event) => {
                setAsked(event.target.value);
                setAt(0);
                setEager(false);
              }}
              onKeyDown={onKeyDown}
            />
            <span className="meta" role="status">
              {asked.trim() && !asking && t("palette.found", { count })}
            </span>
          </div>
          <div role="listbox" id={`${id}-list`} aria-label={t("palette.title")}>
            {groups.map((group) => (
              <div key={group} role="group" aria-label={group}>
                <h2 aria-hidden="true">{group}</h2>
                <ul role="presentation">
                  {found.map((row, index) =>
                    row.group === group ? (
                      <li
                        key={row.id}
                        id={`${id}-${index}`}
                        ref={index === here ? intoSight : undefined}
                        role="option"
                        aria-selected={index === here}
                        onClick={() => open(row)}
                        onMouseMove={() => setAt(index)}
                      >
                        <span className="row">
                          <bdi className="name">{row.marks ? <MarkedAt text={row.name} marks={row.marks} /> : row === ask ? row.name : <Marked text={row.name} asked={asked} />}</bdi>{" "}
                          {row.about && (
                            <span className="meta">
                              <bdi>{row.about}</bdi>
                            </span>
                          )}
                        </span>
                        <kbd>{row.keys}</kbd>
                      </li>
                    ) : null,
                  )}
                </ul>
              </div>
            ))}
          </div>
          {count === 0 && !asking && <p className="none">{t("palette.none", { asked: asked.trim() })}</p>}
          <div className="foot">
            <span>{t("palette.move")}</span>
            <span>{t("palette.open")}</span>
            <span className="end">Esc</span>
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** The row that Enter opens is in sight, however long the list is. */
function intoSight(row: HTMLElement | null): void {
  row?.scrollIntoView({ block: "nearest" });
}

/** What fits: what begins as was asked, then conversations and what was said in them, then what only holds it; last the way to ask a model. */
function useFound(asked: string, onKeys: () => void): { found: Row[]; ask: Row | undefined; asking: boolean } {
  const rows = useRows(onKeys);
  const things = useThings();
  const conversations = useConversationRows(asked);
  const ask = useAskRow(asked);
  const found = useMemo(() => {
    if (!asked.trim()) return together(conversations.rows, rows);
    const begins = [...ranked(rows, asked, BEGINS), ...ranked(things, asked, BEGINS).slice(0, MOST_THINGS)];
    const holds = [...ranked(rows, asked, 1, BEGINS - 1), ...ranked(things, asked, 1, BEGINS - 1).slice(0, MOST_THINGS)];
    return together(begins, conversations.rows, holds, ask ? [ask] : []);
  }, [asked, rows, things, conversations.rows, ask]);
  return { found, ask, asking: conversations.asking };
}

/** What was typed as the beginning of a conversation: it stands where one writes, and nothing is sent yet. */
function useAskRow(asked: string): Row | undefined {
  const { t } = useText();
  const navigate = useNavigate();
  const me = useMe();
  const { kept } = useWorld();
  const wanted = asked.trim();
  return useMemo(() => {
    if (!wanted || me.role === "guest") return undefined;
    const act = () => void putIntoDraft(kept, "new", { text: wanted, attachments: [] }).then(() => navigate({ to: "/talk/{-$id}", params: { id: undefined } }));
    return { id: "ask", group: t("palette.ask"), name: t("palette.ask_about", { asked: wanted }), keys: "Ctrl Enter", act };
  }, [wanted, me.role, kept, navigate, t]);
}

function Marked({ text, asked }: { text: string; asked: string }) {
  const start = asked ? text.toLowerCase().indexOf(asked.trim().toLowerCase()) : -1;
  if (start < 0 || !asked.trim()) return <>{text}</>;
  const end = start + asked.trim().length;
  return (
    <>
      {text.slice(0, start)}
      <mark>{text.slice(start, end)}</mark>
      {text.slice(end)}
    </>
  );
}

function useRows(onKeys: () => void): Row[] {
  const { t } = useText();
  const navigate = useNavigate();
  const me = useMe();
  const acts = usePaletteActs(onKeys);
  return useMemo(() => {
    const pages: Row[] = PLACES.map((place) => ({
      id: place.to,
      group: t("palette.go"),
      name: t(place.name),
      keys: `G ${place.letter.toUpperCase()}`,
      act: () => void navigate({ to: addressOf(place) }),
    }));
    pages.push({ id: "calls", group: t("palette.go"), name: t("calls.title"), about: t("nav.use"), act: () => void navigate({ to: "/use/calls" }) });
    for (const part of partsOf(me.role))
      pages.push({
        id: part,
        group: t("palette.go"),
        name: t(`settings.${part}`),
        about: t("nav.settings"),
        ...(part === "you" ? { words: `${t("you.memory")} ${t("you.password")} ${t("language.name")} ${t("theme.name")}` } : {}),
        act: () => void navigate({ to: "/settings/$part", params: { part } }),
      });
    return [...pages, ...acts];
  }, [t, navigate, me.role, acts]);
}
