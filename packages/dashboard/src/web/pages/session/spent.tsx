import type { PriceRow, SessionDetail } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { costText, countText } from "../../format/numbers.ts";
import { bucketsOf, type Model, priceOf } from "./prices.ts";

/** Tokens by bucket, each with its price, and the day since which the price holds. */
export function Spent({
  session,
  models,
}: {
  session: SessionDetail;
  models: readonly Model[];
}): JSX.Element {
  const { data: prices } = useQuery("prices", () => hub.prices());
  return (
    <>
      <h2>Tokens</h2>
      {models.map((model) => (
        <ModelTokens
          key={model.model}
          model={model}
          price={priceOf(prices ?? [], model.model, session.started_at)}
        />
      ))}
      {models.length === 0 && <p class="faint">No response of a model is known.</p>}
      {session.reported_cost_usd !== null && (
        <p class="faint">The agent itself states {costText(session.reported_cost_usd)}.</p>
      )}
    </>
  );
}

function ModelTokens({ model, price }: { model: Model; price: PriceRow | null }): JSX.Element {
  return (
    <table class="tokens">
      <caption>
        <span class="mono">{model.model ?? "unknown model"}</span> {costText(model.cost_usd)}
      </caption>
      <thead>
        <tr>
          <th>Bucket</th>
          <th class="number">Tokens</th>
          <th class="number">$ per 1M</th>
        </tr>
      </thead>
      <tbody>
        {bucketsOf(model, price).map(({ name, tokens, rates }) => (
          <tr key={name}>
            <td>{name}</td>
            <td class="number">{tokens === null ? "–" : countText(tokens)}</td>
            <td class="number">{rates.length === 0 ? "–" : rates.join(" / ")}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <td colSpan={3} class="faint">
            {price === null ? (
              <>
                No price is known. <a href="/prices">Prices</a>
              </>
            ) : (
              `Price ${price.from === null ? "" : `from ${price.from}, `}as of ${price.source_date ?? price.updated_at.slice(0, 10)}`
            )}
          </td>
        </tr>
      </tfoot>
    </table>
  );
}
