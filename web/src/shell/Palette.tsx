// The palette: one line to find or do anything. A combobox over groups of rows; the arrows move, Enter opens.
import * as Radix from "@radix-ui/react-dialog";
import { useNavigate } from "@tanstack/react-router";
import { useId, useMemo, useState, type KeyboardEvent } from "react";
import { useMe } from "../api/session";
import { useText } from "../i18n";
import { ranked, type Row } from "./find";
import { composing } from "./keyboard";
import { addressOf, PLACES, partsOf } from "./places";
import { usePaletteActs } from "./acts";
import { useConversationRows } from "./conversations";

export default function Palette({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }) {
  const { t } = useText();
  const id = useId();
  const [asked, setAsked] = useState("");
  const [at, setAt] = useState(0);
  const rows = useRows(onKeys);
  const conversations = useConversationRows(asked);
  const found = useMemo(() => [...ranked(rows, asked), ...conversations], [rows, asked, conversations]);
  const here = Math.min(at, found.length - 1);
  const open = (row: Row | undefined) => {
    if (!row) return;
    onClose();
    row.act();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (composing(event)) return;
    if (event.key === "Enter") open(found[here]);
    else if (event.key === "ArrowDown") setAt((here + 1) % Math.max(1, found.length));
    else if (event.key === "ArrowUp") setAt((here + found.length - 1) % Math.max(1, found.length));
    else return;
    event.preventDefault();
  };
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
              }}
              onKeyDown={onKeyDown}
            />
            <span className="meta" role="status">
              {asked && t("palette.found", { count: found.length })}
            </span>
          </div>
          <div role="listbox" id={`${id}-list`} aria-label={t("palette.title")}>
            {groups.map((group) => (
              <div key={group} role="group" aria-label={group}>
                <h2 aria-hidden="true">{group}</h2>
                <ul role="presentation">
                  {found.map((row, index) =>
                    row.group === group ? (
                      <li key={row.id} id={`${id}-${index}`} role="option" aria-selected={index === here} onClick={() => open(row)} onMouseMove={() => setAt(index)}>
                        <span>
                          <Marked text={row.name} asked={asked} />
                          {row.about && <span className="meta">{row.about}</span>}
                        </span>
                        <kbd>{row.keys}</kbd>
                      </li>
                    ) : null,
                  )}
                </ul>
              </div>
            ))}
          </div>
          {found.length === 0 && <p className="none">{t("palette.none", { asked })}</p>}
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
        act: () => void navigate({ to: "/settings/$part", params: { part } }),
      });
    return [...pages, ...acts];
  }, [t, navigate, me.role, acts]);
}
