// What a model costs, set by hand: for one whose price nobody told, or whose price here is another.
import { useLocation, useNavigate } from "@tanstack/react-router";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { api, body } from "../../api/client";
import type { components } from "../../api/schema";
import { useText } from "../../i18n";
import { Sheet } from "../../parts/dialog";
import { Field, Problem, useForm } from "../../parts/form";
import { pricedBy } from "../../parts/noPrice";
import type { Model } from "./Models";

type Priced = Pick<Model, "name" | "provider" | "input_usd_per_million" | "output_usd_per_million">;

/** The model whose price is being set: one that a click names, or the address ("#price:openai/gpt-9", "#price:/gpt-9"). */
export function useAskedPrice(models: readonly Priced[]): [Priced | undefined, (model: Priced | undefined) => void] {
  const { hash } = useLocation();
  const navigate = useNavigate();
  const [pricing, setPricing] = useState<Priced>();
  useEffect(() => {
    const asked = pricedBy(hash);
    if (!asked) return;
    setPricing(askedOf(models, asked));
    void navigate({ to: ".", hash: "", replace: true, search: true });
  }, [hash, models, navigate]);
  return [pricing, setPricing];
}

/** Where the provider is not told, the one that has a model of that name; a name may say it itself ("openai/gpt-9"). One that is not here
 *  is priced all the same where its provider is known: calls to it were made. */
export function askedOf(models: readonly Priced[], asked: { provider: string; model: string }): Priced {
  const known =
    models.find((one) => one.name === asked.model && one.provider === asked.provider) ??
    (asked.provider ? undefined : (models.find((one) => one.name === asked.model) ?? models.find((one) => `${one.provider}/${one.name}` === asked.model)));
  return known ?? { name: asked.model, provider: asked.provider };
}

type Price = components["schemas"]["Price"];

/** Prices that were set here and that three figures say whole, by "provider/model": those can be changed here. A price of the shipped list
 *  may have tiers and surcharges, which these figures would drop. */
export function useOwnPrices(): ReadonlyMap<string, Price> {
  const prices = useQuery({
    queryKey: ["models", "prices"],
    queryFn: async () => (await body(api.GET("/admin/v1/prices", { params: { query: { limit: 1000 } as Record<never, string> } }))).data,
  }).data;
  return useMemo(() => new Map((prices ?? []).filter(isPlain).map((one) => [`${one.provider}/${one.model}`, one])), [prices]);
}

export function isPlain(price: Price): boolean {
  const told = price as Record<string, unknown>;
  return told.source === "owner" && !told.request_pico && !["tiers", "tools_usd", "regions", "cache_write_pico", "cache_write_1h_pico", "reasoning_pico"].some((more) => more in told);
}

export function SetPrice({ of: model, onClose }: { of: Priced; onClose: () => void }) {
  const { t } = useText();
  const queries = useQueryClient();
  const [input, setInput] = useState(model.input_usd_per_million ?? "");
  const [output, setOutput] = useState(model.output_usd_per_million ?? "");
  const before = useOwnPrices().get(`${model.provider}/${model.name}`);
  const [cached, setCached] = useState(before && before.cached_input_pico !== before.input_pico ? String((before as Record<string, unknown>).cached_input_usd_per_million ?? "") : "");
  const send = async () => {
    await body(
      api.POST("/admin/v1/prices", {
        body: {
          provider: model.provider,
          model: model.name,
          input_usd_per_million: input.trim(),
          output_usd_per_million: output.trim(),
          ...(cached.trim() ? { cached_input_usd_per_million: cached.trim() } : {}),
        },
      }),
    );
    await queries.invalidateQueries({ queryKey: ["models"] });
  };
  const form = useForm(send, ["input_usd_per_million", "output_usd_per_million", "cached_input_usd_per_million"], onClose);
  const amount = { inputMode: "decimal", pattern: "[0-9]*[.]?[0-9]+", autoComplete: "off" } as const;
  if (!model.provider)
    return (
      <Sheet title={t("price.of", { name: model.name })} about={t("price.gone", { name: model.name })} open onClose={onClose}>
        <div className="answers">
          <button type="button" className="btn" onClick={onClose}>
            {t("act.close")}
          </button>
        </div>
      </Sheet>
    );
  return (
    <Sheet title={t("price.of", { name: model.name })} about={t("price.about")} open onClose={onClose}>
      <form className="form" onSubmit={form.onSubmit} onKeyDown={form.onKeyDown}>
        <Field label={t("price.input")} value={input} onChange={(event) => setInput(event.target.value)} required {...amount} problem={form.problemOf("input_usd_per_million")} />
        <Field label={t("price.output")} value={output} onChange={(event) => setOutput(event.target.value)} required {...amount} problem={form.problemOf("output_usd_per_million")} />
        <Field label={t("price.cached")} value={cached} onChange={(event) => setCached(event.target.value)} {...amount} hint={t("price.cached.hint")} problem={form.problemOf("cached_input_usd_per_million")} />
        {form.whole && <Problem>{form.whole}</Problem>}
        <div className="answers">
          <button className="btn btn-fill" disabled={form.busy}>
            {t("price.act")}
          </button>
          <button type="button" className="btn" onClick={onClose}>
            {t("act.leave")}
          </button>
        </div>
      </form>
    </Sheet>
  );
}
