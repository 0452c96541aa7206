// Who changed what: settings, keys, budgets, prices and people, newest first. Each line is a record that can't be changed afterwards.
import { useInfiniteQuery } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import type { components } from "../../api/schema";
import { dateOf } from "../../format/when";
import { useText, type Key } from "../../i18n";
import { Broken, Empty, Loading } from "../../parts/faces";
import { useNames } from "../use/data";
import { shownValue } from "./Server";

type Change = components["schemas"]["Change"];

const SAID: Record<string, Key> = {
  "setting.changed": "change.setting",
  "key.created": "change.key_created",
  "key.updated": "change.key_updated",
  "key.rotated": "change.key_rotated",
  "key.revoked": "change.key_revoked",
  "budget.set": "change.budget_set",
  "budget.removed": "change.budget_removed",
  "price.set": "change.price_set",
  "principal.created": "change.principal_created",
  "principal.disabled": "change.principal_disabled",
  "principal.renamed": "change.principal_renamed",
  "principal.role_set": "change.principal_role_set",
  "group.member_set": "change.member_set",
  "link.made": "change.link_made",
  "link.used": "change.link_used",
  "link.withdrawn": "change.link_withdrawn",
  "credential.set": "change.credential_set",
};

export default function Changes() {
  const { t } = useText();
  const changes = useInfiniteQuery({
    queryKey: ["changes"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => body(api.GET("/admin/v1/changes", { params: { query: { limit: 50, cursor: pageParam } } })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rows = changes.data?.pages.flatMap((page) => page.data);
  return (
    <section aria-labelledby="changes">
      <div className="sect-h">
        <h2 id="changes">{t("settings.changes")}</h2>
      </div>
      {!rows && (changes.isError ? <Broken error={changes.error} again={() => void changes.refetch()} /> : <Loading rows={8} />)}
      {rows?.length === 0 && <Empty title={t("change.none")} />}
      {rows && rows.length > 0 && (
        <table className="tbl log">
          <thead>
            <tr>
              <th>{t("calls.when")}</th>
              <th>{t("change.who")}</th>
              <th>{t("change.what")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Line key={row.id} row={row} />
            ))}
          </tbody>
        </table>
      )}
      {changes.hasNextPage && (
        <p className="after">
          <button className="btn" disabled={changes.isFetchingNextPage} onClick={() => void changes.fetchNextPage()}>
            {t("change.more")}
          </button>
        </p>
      )}
    </section>
  );
}

/** What a change is about, by its record's own words: a setting's key and value, a name, an amount. */
export function aboutOf(change: Change, names: (id: string) => string): string {
  const told = (change.body ?? {}) as Record<string, unknown>;
  if (change.kind === "setting.changed") return `${String(told.key)}${told.value === null ? "" : ` = ${shownValue(told.value)}`}`;
  const id = change.stream?.split("/")[1] ?? "";
  if (change.kind.startsWith("link.") || change.kind.startsWith("credential.")) return "";
  const name = typeof told.name === "string" && told.name ? told.name : names(id);
  if (change.kind === "budget.set" && typeof told.scope === "string") return names(told.scope);
  if (change.kind === "group.member_set") return [names(String(told.member ?? "")), names(String(told.group ?? id))].filter(Boolean).join(" · ");
  if (change.kind === "price.set") return String(told.model ?? name);
  return name;
}

function Line({ row }: { row: Change }) {
  const { t, times } = useText();
  const known = useNames();
  const names = (id: string) => (id.startsWith("ten_") ? t("budgets.everybody") : known(id));
  const at = dateOf(row.time);
  const said = SAID[row.kind];
  const erased = row.erased === true;
  return (
    <tr>
      <td>
        <time dateTime={row.time}>{at ? times.near(at) : ""}</time>
      </td>
      <td dir="auto">{names(row.on_behalf_of || row.actor)}</td>
      <td>
        {said ? t(said) : row.kind}
        <span className="meta" dir="auto">
          {erased ? t("call.content.erased") : aboutOf(row, names)}
        </span>
      </td>
    </tr>
  );
}
