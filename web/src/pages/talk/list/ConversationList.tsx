// The list beside the conversation: search, the way to a new one, what is pinned, then by day. Only the rows in sight are in the page.
import { Link, useParams } from "@tanstack/react-router";
import { memo, useMemo, useRef, useState, useSyncExternalStore, type RefObject } from "react";
import { VList, type VListHandle } from "virtua";
import { useMe } from "../../../api/session";
import type { Conversation } from "../../../api/talk";
import { useText } from "../../../i18n";
import { Broken, Empty, Loading } from "../../../parts/faces";
import { useKeys } from "../../../shell/keyboard";
import { useSingleKeys } from "../../../shell/preferences";
import { useGo, useProjects, useWorld } from "../data";
import { plain } from "./plain";
import { rowsOf, type Era, type ListRow } from "./rows";
import { SearchResults, useSearch } from "./Search";
import { useList } from "./useList";

const NEAR_END = 30; // rows from the end at which the next page is asked for

export function ConversationList({ search }: { search: RefObject<HTMLInputElement | null> }) {
  const { t } = useText();
  const { id } = useParams({ strict: false });
  const [asked, setAsked] = useState("");
  const [here, setHere] = useState(false);
  const world = useWorld();
  const which = useSyncExternalStore(world.watch, world.listed);
  const found = useSearch(asked, here ? id : undefined);
  const guest = useMe().role === "guest";
  const clear = () => {
    setAsked("");
    search.current?.blur();
  };
  return (
    <aside className="list" aria-label={t("talk.list")}>
      <div className="top">
        <input
          ref={search}
          className="input"
          type="search"
          dir="auto"
          aria-label={t("talk.search")}
          placeholder={t("talk.search")}
          value={asked}
          onChange={(event) => setAsked(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), clear())}
        />
        {asked.trim() && id && (
          <label className="tick small">
            <input type="checkbox" checked={here} onChange={(event) => setHere(event.target.checked)} /> {t("talk.search.here")}
          </label>
        )}
        {!guest && (
          <div className="row">
            <Link to="/talk/{-$id}" params={{ id: undefined }} className="small">
              {t("talk.new")}
            </Link>
            <kbd className="end">N</kbd>
          </div>
        )}
        {/* What is searched is everything, whatever is listed. */}
        {!guest && !asked.trim() && <Which value={which} onChoose={(next) => world.list(next)} />}
      </div>
      {asked.trim() ? <SearchResults found={found} asked={asked} /> : <Rows which={which} />}
    </aside>
  );
}

/** Which conversations are listed: all, a project's, a folder's, the archived. */
function Which({ value, onChoose }: { value: string; onChoose: (value: string) => void }) {
  const { t } = useText();
  const projects = useProjects().data;
  const folders = projects?.folders ?? [];
  return (
    <select className="input slim" aria-label={t("talk.which")} value={value} onChange={(event) => onChoose(event.target.value)}>
      <option value="">{t("talk.which.all")}</option>
      {(projects?.data.length ?? 0) > 0 && (
        <optgroup label={t("talk.projects")}>
          {projects?.data.map((one) => (
            <option key={one.id} value={`p:${one.id}`}>
              {one.name}
            </option>
          ))}
        </optgroup>
      )}
      {folders.length > 0 && (
        <optgroup label={t("talk.folders")}>
          {folders.map((one) => (
            <option key={one.name} value={`f:${one.name}`}>
              {one.name}
            </option>
          ))}
        </optgroup>
      )}
      <option value="archived">{t("talk.which.archived")}</option>
    </select>
  );
}

function Rows({ which }: { which: string }) {
  const { t } = useText();
  const { id } = useParams({ strict: false });
  const go = useGo();
  const guest = useMe().role === "guest";
  const list = useRef<VListHandle>(null);
  const kind = which.slice(0, 2);
  const pages = useList({
    archived: which === "archived",
    project: kind === "p:" ? which.slice(2) : undefined,
    folder: kind === "f:" ? which.slice(2) : undefined,
  });
  const rows = useMemo(() => rowsOf(pages.pinned, pages.rows, new Date(), which !== "archived"), [pages.pinned, pages.rows, which]);
  const move = (step: number) => {
    const all = rows.filter((row): row is Extract<ListRow, { conversation: Conversation }> => "conversation" in row);
    const at = all.findIndex((row) => row.key === id);
    const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))];
    if (!next) return;
    go(next.key);
    list.current?.scrollToIndex(rows.indexOf(next), { align: "nearest" });
  };
  useKeys({ j: () => move(1), k: () => move(-1) }, useSingleKeys());
  if (pages.state === "broken") return <Broken error={pages.error} again={() => void pages.again()} />;
  if (pages.state === "loading")
    return (
      <div className="inlist">
        <Loading rows={6} />
      </div>
    );
  if (rows.length === 0)
    return (
      <div className="inlist">
        <Empty title={t(which ? "talk.none_here" : guest ? "talk.guest.none" : "talk.none")}>{t(guest ? "talk.guest.none.about" : "talk.none.about")}</Empty>
      </div>
    );
  const onScroll = () => {
    const handle = list.current;
    if (handle && handle.findItemIndex(handle.scrollOffset + handle.viewportSize) > rows.length - NEAR_END) void pages.next();
  };
  return (
    <nav className="rows" aria-label={t("talk.list")}>
      <VList ref={list} onScroll={onScroll}>
        {rows.map((row) => ("heading" in row ? <Heading key={row.key} era={row.heading} /> : <Row key={row.key} of={row.conversation} here={row.key === id} />))}
      </VList>
    </nav>
  );
}

function Heading({ era }: { era: Era }) {
  const { t, times } = useText();
  const words =
    era.kind === "pinned"
      ? t("talk.era.pinned")
      : era.kind === "today"
        ? t("talk.era.today")
        : era.kind === "yesterday"
          ? t("talk.era.yesterday")
          : era.kind === "earlier"
            ? t("talk.era.earlier", { month: times.monthLong(era.month) })
            : times.month(era.month);
  return <h2>{words}</h2>;
}

const Row = memo(function Row({ of: one, here }: { of: Conversation; here: boolean }) {
  const { t, times } = useText();
  return (
    <Link to="/talk/{-$id}" params={{ id: one.id }} aria-current={here ? "page" : undefined} activeProps={{}} preload={false}>
      <div className="t">
        <span dir="auto">{one.title || t("talk.untitled")}</span>
        <time dateTime={new Date(one.updated_at * 1000).toISOString()}>{times.short(new Date(one.updated_at * 1000))}</time>
      </div>
      <div className="p" dir="auto">
        {one.answering ? t("talk.writing") : one.mine ? plain(one.preview) : one.by ? t("talk.shared.by", { name: one.by }) : t("talk.shared_with_you")}
      </div>
    </Link>
  );
});
