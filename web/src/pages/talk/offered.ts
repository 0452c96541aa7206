// Who can answer, of all the models that the server names.
import type { ModelName } from "../../api/talk";

export interface Refused {
  provider: string;
  models: number;
}

/** The models that can be asked, and the providers whose models can't, since they refuse the key that they are given. */
export function offered(models: readonly ModelName[]): { names: string[]; refused: Refused[] } {
  const counts = new Map<string, number>();
  for (const one of models) if (one.problem) counts.set(one.owned_by, (counts.get(one.owned_by) ?? 0) + 1);
  return {
    names: models.filter((one) => !one.problem).map((one) => one.id),
    refused: [...counts].map(([provider, count]) => ({ provider, models: count })),
  };
}
