import type { PriceRow, SessionDetail } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { bucketsOf, type Model, priceOf } from "./prices.ts";

/** Names what of a session has no price. */
export function MissingPrices({ session }: { session: SessionDetail }): JSX.Element {
  const { data: prices } = useQuery("prices", () => hub.prices());
  const { unpriced_models = [], models = [] } = session.transcript ?? {};
  const missing = [
    ...unpriced_models,
    ...models
      .filter(({ model }) => !unpriced_models.includes(model ?? ""))
      .flatMap((model) => missingOf(model, prices, session.started_at)),
  ];
  return (
    <span class="faint">
      {" "}
      and more:{" "}
      {missing.length === 0
        ? "some tokens have"
        : `${missing.join(", ")} ${missing.length === 1 ? "has" : "have"}`}{" "}
      no price
    </span>
  );
}

function missingOf(model: Model, prices: readonly PriceRow[] | null, at: string): string[] {
  const price = priceOf(prices ?? [], model.model, at);
  if (price === null) return [];
  return bucketsOf(model, price)
    .filter(({ tokens, rates }) => (tokens ?? 0) > 0 && rates.length === 0)
    .map(({ name }) => `${name.toLowerCase()} of ${model.model}`);
}
