// What the pages of Use ask: sums of use, budgets, calls, and the names of keys and people behind their ids. An owner sees the whole
// organisation, others their own.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { allPages, api, body } from "../../api/client";
import type { components, paths } from "../../api/schema";
import { useIsOwner } from "../../api/session";
import { usdOf } from "../../format/numbers";
import { barOf, type Span } from "../../format/span";
import { dateOf } from "../../format/when";

export type Dimension = "model" | "key" | "owner";
type UsageRow = components["schemas"]["UsageRow"];
export type Call = components["schemas"]["Call"];
type CallFilter = NonNullable<paths["/admin/v1/calls"]["get"]["parameters"]["query"]>;

/** One row of sums: what it stands for, and its figures. */
export interface Sum {
  id: string; // of the dimension: a model's "provider/name", a key's or a person's id
  bar: string; // the day or month, where it was asked for
  model: string;
  provider: string;
  calls: number;
  failed: number;
  input: number;
  cached: number;
  output: number;
  usd: number; // of those calls whose model has a price
  unpriced: number; // calls whose model has none
}

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

function sumOf(row: UsageRow, span: Span, dimension: Dimension): Sum {
  const group = (row.group ?? {}) as Record<string, string | undefined>;
  const id = dimension === "model" ? `${group.provider}/${group.model}` : (group[dimension] ?? "");
  return {
    id,
    bar: group.day ? barOf(span, group.day) : "",
    model: group.model ?? "",
    provider: group.provider ?? "",
    calls: row.calls ?? 0,
    failed: row.failed ?? 0,
    input: row.prompt_tokens ?? 0,
    cached: row.cached_tokens ?? 0,
    output: row.completion_tokens ?? 0,
    usd: usdOf(row.cost_microusd),
    unpriced: (row as { unpriced?: number }).unpriced ?? 0,
  };
}

/** Nobody told what its model costs, so that it was charged nothing, which is not a price; or what a tool that it used does. */
export function isUnpriced(call: Pick<Call, "priced">): boolean {
  return call.priced === false;
}

/** What is known of a call's cost, as `amount` writes it: nothing, all, or (with a plus) what its tokens came to. */
export function costText(call: Pick<Call, "priced" | "cost_microusd">, amount: (usd: number) => string): string | undefined {
  const usd = usdOf(call.cost_microusd);
  if (!isUnpriced(call)) return amount(usd);
  return usd > 0 ? `${amount(usd)}+` : undefined;
}

/** Who was asked in turn, where it was more than one: "a;failed=timeout, b;answered" → "a: failed (timeout) → b: answered". */
export function attemptsText(attempts: string | null | undefined): string | undefined {
  const parts = (attempts ?? "").split(", ").filter(Boolean);
  if (parts.length < 2) return undefined;
  return parts.map((part) => part.replace(";", ": ").replace(/=(.*)$/, " ($1)")).join(" → ");
}

const GROUPS: Record<Dimension, string> = { model: "provider,model", key: "key", owner: "owner" };

export function useSums(span: Span, dimension: Dimension, byDay: boolean) {
  const owner = useIsOwner();
  const [from, to] = [span.from.toISOString(), span.to.toISOString()];
  const group_by = `${GROUPS[dimension]}${byDay ? ",day" : ""}`;
  return useQuery({
    queryKey: ["usage", owner, from, to, group_by],
    placeholderData: (before: Sum[] | undefined) => before,
    queryFn: async () => {
      const path = (owner ? "/admin/v1/usage" : "/v1/me/usage") as "/admin/v1/usage";
      const query = { group_by, from, to, time_zone: ZONE };
      const rows = (await body(api.GET(path, { params: { query } }))).data;
      return joined(rows.map((row) => sumOf(row, span, dimension)));
    },
  });
}

/** Rows of one id and bar as one: months are made of days. */
export function joined(rows: readonly Sum[]): Sum[] {
  const out = new Map<string, Sum>();
  for (const row of rows) {
    const name = `${row.bar} ${row.id}`;
    const before = out.get(name);
    if (!before) out.set(name, { ...row });
    else for (const figure of ["calls", "failed", "input", "cached", "output", "usd", "unpriced"] as const) before[figure] += row[figure];
  }
  return [...out.values()];
}

export interface BudgetFigures {
  id: string;
  name: string;
  scope: string;
  limit: number;
  spent: number; // with what is reserved
  left: number;
  overrun: number;
  period: "day" | "week" | "month" | "forever";
  timeZone: string | null;
  start: Date | undefined;
  end: Date | undefined;
}

export function useBudgets() {
  const owner = useIsOwner();
  return useQuery({
    queryKey: ["budgets", owner],
    queryFn: async () => {
      const path = (owner ? "/admin/v1/budgets" : "/v1/me/budgets") as "/admin/v1/budgets";
      const rows = await allPages((cursor) => body(api.GET(path, { params: { query: { limit: 1000, cursor } } })));
      return rows.map((row): BudgetFigures => {
        const limit = Number(row.limit_usd);
        const left = usdOf(row.left_microusd);
        return {
          id: row.id,
          name: row.name,
          scope: row.scope,
          limit,
          left,
          spent: limit - left,
          overrun: usdOf(row.overrun_microusd),
          period: row.period,
          timeZone: row.time_zone ?? null,
          start: row.period_start ? new Date(row.period_start) : undefined,
          end: row.period_end ? new Date(row.period_end) : undefined,
        };
      });
    },
  });
}

/** The share of a budget that is gone, 0 to 1; a budget of nothing is gone. */
export function gone(budget: Pick<BudgetFigures, "limit" | "spent">): number {
  return budget.limit > 0 ? budget.spent / budget.limit : 1;
}

export const NEEDS_SOMEBODY = 0.9;

/** The organisation's budget, else the one with the least left: what the rail shows. */
export function useTightestBudget(): BudgetFigures | undefined {
  const { data } = useBudgets();
  return useMemo(() => {
    const whole = data?.filter((one) => one.scope.startsWith("ten_")) ?? [];
    return [...(whole.length > 0 ? whole : (data ?? []))].sort((a, b) => gone(b) - gone(a))[0];
  }, [data]);
}

export function useKeys() {
  const owner = useIsOwner();
  return useQuery({
    queryKey: ["keys", owner],
    queryFn: async () => {
      const path = (owner ? "/admin/v1/keys" : "/v1/me/keys") as "/admin/v1/keys";
      return allPages((cursor) => body(api.GET(path, { params: { query: { limit: 1000, cursor } } })));
    },
  });
}

export function usePrincipals() {
  const owner = useIsOwner();
  return useQuery({
    queryKey: ["principals"],
    enabled: owner,
    queryFn: () => allPages((cursor) => body(api.GET("/admin/v1/principals", { params: { query: { limit: 1000, cursor } } }))),
  });
}

/** The name behind an id: a key's, a person's, a team's; the id itself where nobody is known by it. */
export function useNames(): (id: string) => string {
  const keys = useKeys().data;
  const principals = usePrincipals().data;
  return useMemo(() => {
    const names = new Map<string, string>();
    for (const key of keys ?? []) names.set(key.id, key.name);
    for (const one of principals ?? []) names.set(one.id, one.name);
    return (id) => names.get(id) ?? id;
  }, [keys, principals]);
}

export function useCalls(filter: CallFilter) {
  const owner = useIsOwner();
  const path = (owner ? "/admin/v1/calls" : "/v1/me/calls") as "/admin/v1/calls";
  return useInfiniteQuery({
    queryKey: ["calls", owner, filter],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => body(api.GET(path, { params: { query: { ...filter, limit: 50, cursor: pageParam } } })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

/** When a model was last asked, by anybody whose use is shown here. */
export function useLastUse(): Date | undefined {
  const owner = useIsOwner();
  const path = (owner ? "/admin/v1/calls" : "/v1/me/calls") as "/admin/v1/calls";
  const { data } = useQuery({ queryKey: ["calls", owner, "last"], queryFn: () => body(api.GET(path, { params: { query: { limit: 1 } } })) });
  return dateOf(data?.data[0]?.at);
}

export function useCall(id: string) {
  const owner = useIsOwner();
  const path = (owner ? "/admin/v1/calls/{id}" : "/v1/me/calls/{id}") as "/admin/v1/calls/{id}";
  return useQuery({ queryKey: ["calls", "one", id], queryFn: () => body(api.GET(path, { params: { path: { id } } })) });
}
