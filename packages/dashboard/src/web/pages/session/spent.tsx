import type { PriceRow, SessionDetail, SessionTranscript } from "@wharf/protocol";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { costText, countText } from "../../format/numbers.ts";

type Model = SessionTranscript["models"][number];

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
  const rows: [string, number | null, string][] = [
    ["Input", model.tokens_in, rateText(price?.input)],
    ["Cache read", model.cache_read_tokens, rateText(price?.cache_read)],
    ["Cache write", model.cache_write_tokens, writeRates(price)],
    ["Output", model.tokens_out, rateText(price?.output)],
  ];
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
        {rows.map(([name, tokens, rate]) => (
          <tr key={name}>
            <td>{name}</td>
            <td class="number">{tokens === null ? "–" : countText(tokens)}</td>
            <td class="number">{rate}</td>
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

function rateText(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? "–" : String(rate);
}

function writeRates(price: PriceRow | null): string {
  const rates = [price?.cache_write_5m, price?.cache_write_1h].filter(
    (rate) => rate !== null && rate !== undefined,
  );
  return rates.length === 0 ? "–" : rates.join(" / ");
}

/** The row of a day for ordinary requests; the server's own choice also knows names with a date. */
function priceOf(prices: readonly PriceRow[], model: string | null, at: string): PriceRow | null {
  if (model === null) return null;
  const day = at.slice(0, 10);
  const found = prices.find(
    ({ model: name, aliases, from, to, above_input_tokens, speed }) =>
      (name === model || aliases.includes(model) || model.startsWith(`${name}-2`)) &&
      above_input_tokens === null &&
      speed === null &&
      (from === null || from <= day) &&
      (to === null || day < to),
  );
  return found ?? null;
}
