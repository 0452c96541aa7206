// Models and providers: what there is, what it costs, and adding a key and seeing it work.
import { useQuery } from "@tanstack/react-query";
import { allPages, api, body } from "../../api/client";
import type { components } from "../../api/schema";
import { useText, type Key } from "../../i18n";
import { Linkish } from "../../parts/small";
import { SetPrice, useAskedPrice, useOwnPrices } from "./SetPrice";
import { Empty, Shown } from "../../parts/faces";
import { Providers } from "./Providers";

export type Model = components["schemas"]["LocalModel"];

export default function Models() {
  return (
    <>
      <Providers />
      <ModelTable />
    </>
  );
}

const STATES: Record<string, Key> = { idle: "models.idle", loading: "models.loading", ready: "models.ready", failed: "models.failed", unknown: "models.unknown" };
const KINDS: Record<string, Key> = { chat: "models.chat", embedding: "models.embedding" };

function ModelTable() {
  const { t } = useText();
  const models = useQuery({
    queryKey: ["models"],
    queryFn: () => allPages((cursor) => body(api.GET("/admin/v1/models", { params: { query: { limit: 1000, cursor } } }))),
  });
  return (
    <section className="sect" aria-labelledby="models">
      <div className="sect-h">
        <h2 id="models">{t("settings.models")}</h2>{" "}
        <span className="faint">{models.data && t("models.count", { count: models.data.length, here: models.data.filter((one) => one.provider === "local").length })}</span>
      </div>
      <Shown of={models}>{(rows) => (rows.length === 0 ? <Empty title={t("models.none")} /> : <Rows rows={rows} />)}</Shown>
    </section>
  );
}

function Rows({ rows }: { rows: readonly Model[] }) {
  const { t, listed, figures } = useText();
  const [pricing, setPricing] = useAskedPrice(rows);
  const own = useOwnPrices();
  return (
    <>
      <table className="tbl">
        <thead>
          <tr>
            <th>{t("use.dimension.model")}</th>
            <th className="opt">{t("models.for")}</th>
            <th className="n opt">{t("models.context")}</th>
            <th className="n">{t("models.price")}</th>
            <th className="n">{t("models.state")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((model) => {
            const priced = model.input_usd_per_million !== undefined;
            const state = STATES[model.state];
            const free = Number(model.input_usd_per_million) === 0 && Number(model.output_usd_per_million) === 0;
            return (
              <tr key={`${model.provider}/${model.name}`}>
                <td>
                  <span dir="auto">{model.name}</span>
                  <span className="meta">
                    {model.provider === "local" ? listed([t("models.here"), figures.bytes(model.file_bytes ?? 0), model.shipped ? t("models.shipped") : ""]) : model.provider}
                  </span>
                </td>
                <td className="opt soft">{KINDS[model.kind] ? t(KINDS[model.kind] as Key) : model.kind}</td>
                <td className="n opt">{model.context_tokens ? figures.count(model.context_tokens) : "–"}</td>
                <td className="n">
                  {!priced ? <span className="need">{t("price.none")}</span> : free ? t("models.free") : `${model.input_usd_per_million} / ${model.output_usd_per_million}`}{" "}
                  {(!priced || own.has(`${model.provider}/${model.name}`)) && (
                    <span className="meta">
                      <Linkish aria-label={t(priced ? "price.change_of" : "price.set_of", { name: model.name })} onClick={() => setPricing(model)}>
                        {t(priced ? "price.change" : "price.set")}
                      </Linkish>
                    </span>
                  )}
                </td>
                <td className="n">{model.problem ? <span className="need">{model.problem === "key_refused" ? t("models.key_refused") : model.problem}</span> : state ? t(state) : model.state}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {pricing && <SetPrice of={pricing} onClose={() => setPricing(undefined)} />}
    </>
  );
}
