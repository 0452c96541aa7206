// Beside what nobody told the price of: the way to set one, for whoever may.
import { Link } from "@tanstack/react-router";
import { useIsOwner } from "../api/session";
import { useText } from "../i18n";

/** Where the price of a model is set; `provider` where it is known. */
export const priceHash = (model: string, provider = "") => `price:${provider}/${model}`;

/** The model that an address points at, if it points at a price: its provider, or "" where nobody said, and its name. */
export function pricedBy(hash: string): { provider: string; model: string } | undefined {
  const [, provider = "", model = ""] = /^price:([^/]*)\/(.+)$/s.exec(hash) ?? [];
  return model ? { provider: whole(provider), model: whole(model) } : undefined;
}

/** An address may have its signs encoded. */
function whole(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function SetPriceLink({ model, provider }: { model: string; provider?: string }) {
  const { t } = useText();
  if (!useIsOwner()) return null;
  return (
    <Link to="/settings/$part" params={{ part: "models" }} hash={priceHash(model, provider)} preload={false}>
      {t("price.set")}
    </Link>
  );
}
