// Providers: those that the file or the environment names are shown as fixed; those added here can get a new key, be tried and be removed.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { allPages, api, body } from "../../api/client";
import type { components } from "../../api/schema";
import { useText, type Key } from "../../i18n";
import { Empty, Shown } from "../../parts/faces";
import { useErrorText, useToldText } from "../../parts/form";
import { useOpened } from "../../parts/opened";
import { Ask, Linkish } from "../../parts/small";
import { announce } from "../../shell/announce";
import { AddProvider } from "./AddProvider";

type Provider = components["schemas"]["Provider"];
export type Tried = components["schemas"]["ProviderTest"];

export async function tryProvider(name: string): Promise<Tried> {
  return body(api.POST("/admin/v1/providers/{name}/test", { params: { path: { name } } }));
}

export function Providers() {
  const { t } = useText();
  const [adding, setAdding] = useOpened("add");
  const [renewed, setRenewed] = useState<Provider>();
  const providers = useQuery({
    queryKey: ["providers"],
    queryFn: async () => (await allPages((cursor) => body(api.GET("/admin/v1/providers", { params: { query: { limit: 1000, cursor } } })))).filter((one) => one.key.source !== "none" || one.origin !== "default"),
  });
  return (
    <section aria-labelledby="providers">
      <div className="sect-h">
        <h2 id="providers">{t("providers.title")}</h2> <span className="faint">{t("providers.leaves")}</span>
        <span className="end small">
          <Linkish onClick={() => setAdding(true)}>{t("providers.add")}</Linkish>
        </span>
      </div>
      <Shown of={providers}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty
              title={t("providers.empty.title")}
              act={
                <button className="btn" onClick={() => setAdding(true)}>
                  {t("providers.add")}
                </button>
              }
            >
              {t("providers.empty.about")}
            </Empty>
          ) : (
            <table className="tbl">
              <thead>
                <tr>
                  <th>{t("providers.one")}</th>
                  <th className="opt">{t("providers.key")}</th>
                  <th>{t("models.state")}</th>
                  <th className="n">
                    <span className="vh">{t("act.acts")}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((one) => (
                  <Line key={one.id} provider={one} renew={() => setRenewed(one)} />
                ))}
              </tbody>
            </table>
          )
        }
      </Shown>
      {(adding || renewed) && (
        <AddProvider
          renew={renewed?.name}
          onClose={() => {
            setAdding(false);
            setRenewed(undefined);
          }}
        />
      )}
    </section>
  );
}

const SOURCES: Record<string, Key> = { sealed: "providers.sealed", file: "providers.file", environment: "providers.environment", none: "providers.no_key" };
const ORIGINS: Record<string, Key> = { default: "origin.default", file: "origin.file", setting: "origin.setting", environment: "origin.environment", flag: "origin.flag" };

export function useTriedText(): (tried: Tried) => string {
  const { t, language, figures } = useText();
  const words = useToldText();
  return (tried) => {
    if (tried.ok) return t("providers.works", { count: tried.models?.length ?? 0, time: figures.duration(tried.latency_us ?? 0) });
    const code = (tried as { code?: string }).code ?? "";
    const said = tried.error ?? "";
    // A provider's own words follow ours: they may hold what ours can't know.
    if (code === "key_refused") return `${t("providers.key_refused_now")} ${said}`.trim();
    if (code === "refused") return `${t("providers.fails", { status: tried.status ?? 0 })} ${said}`.trim();
    if (code === "lists_no_models") return t("providers.lists_none");
    if (code === "not_usable" && language !== "en") return t("providers.not_usable", { why: said });
    return words({ code, message: said || t("providers.fails", { status: tried.status ?? 0 }) });
  };
}

function Line({ provider, renew }: { provider: Provider; renew: () => void }) {
  const { t } = useText();
  const words = useErrorText();
  const triedText = useTriedText();
  const queries = useQueryClient();
  const trying = useMutation({
    mutationFn: () => tryProvider(provider.name),
    onSuccess: async (tried) => {
      announce(triedText(tried));
      await queries.invalidateQueries({ queryKey: ["providers"] });
      await queries.invalidateQueries({ queryKey: ["models"] });
    await queries.invalidateQueries({ queryKey: ["talk-models"] });
    },
  });
  const ours = provider.origin === "setting";
  const remove = async () => {
    await body(api.DELETE("/admin/v1/providers/{name}", { params: { path: { name: provider.name } } }));
    await queries.invalidateQueries({ queryKey: ["providers"] });
    await queries.invalidateQueries({ queryKey: ["models"] });
    await queries.invalidateQueries({ queryKey: ["talk-models"] });
  };
  const problem = provider.problem === "key_refused" ? t("providers.key_refused") : provider.problem && t("providers.not_usable", { why: provider.problem });
  const bad = (trying.data?.ok ? undefined : problem) ?? (trying.data && !trying.data.ok ? triedText(trying.data) : trying.isError ? words(trying.error) : undefined);
  const good = trying.data?.ok ? triedText(trying.data) : provider.enabled ? t("providers.on") : t("providers.off");
  return (
    <tr>
      <td>
        <span dir="auto">{provider.name}</span>
        <span className="meta">{provider.base_url}</span>
      </td>
      <td className="opt">
        {t(SOURCES[provider.key.source] ?? "providers.no_key")}
        <span className="meta">{t(ORIGINS[provider.origin] ?? "origin.default")}</span>
      </td>
      <td>{trying.isPending ? t("providers.trying") : bad ? <span className="need">{bad}</span> : good}</td>
      <td className="n">
        <span className="acts">
          <Linkish aria-label={t("providers.try_it", { name: provider.name })} onClick={() => trying.mutate()}>
            {t("providers.try")}
          </Linkish>
          {ours ? (
            <>
              <Linkish aria-label={t("providers.new_key_of", { name: provider.name })} onClick={renew}>
                {t("providers.new_key")}
              </Linkish>
              <Ask title={t("providers.remove.title", { name: provider.name })} about={t("providers.remove.about")} verb={t("act.remove")} act={remove}>
                {(ask) => (
                  <Linkish aria-label={t("providers.remove_it", { name: provider.name })} onClick={ask}>
                    {t("act.remove")}
                  </Linkish>
                )}
              </Ask>
            </>
          ) : (
            <span className="faint">{t("settings.fixed")}</span>
          )}
        </span>
      </td>
    </tr>
  );
}
