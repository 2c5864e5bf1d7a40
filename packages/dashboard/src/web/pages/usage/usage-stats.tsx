import type { Usage } from "@wharf/protocol";
import type { JSX } from "preact";
import { costText, countText, shortText } from "../../format/numbers.ts";
import { Stat } from "../../ui/parts.tsx";
import type { Overview } from "./usage-overview.tsx";
import { cacheRate, sumOf } from "./usage-sums.ts";

/** The sums of a selection. */
export function UsageStats({ overview, to }: { overview: Overview; to: string }): JSX.Element {
  // A session belongs to one repository, but to several days and models.
  const sum = sumOf(overview.workspaces);
  return (
    <div class="stats">
      <Stat name="cost" href={to} note={sum.cost_is_partial ? "without unpriced responses" : undefined}>
        {costText(sum.cost_usd)}
      </Stat>
      <Stat name="sessions" href={to}>
        {countText(sum.sessions)}
      </Stat>
      <Stat name="responses">{countText(sum.responses)}</Stat>
      <Stat name="input without cache">{shortText(sum.tokens_in)}</Stat>
      <Stat name="output">{shortText(sum.tokens_out)}</Stat>
      <Stat name="of the input read from the cache">{cacheRate(sum)}</Stat>
    </div>
  );
}

/** Models without a price, by name. */
export function Unpriced({ models: { unpriced } }: { models: Usage }): JSX.Element | null {
  if (unpriced.length === 0) return null;
  const responses = unpriced.reduce((sum, one) => sum + one.responses, 0);
  return (
    <p class="note warning">
      <strong>{countText(responses)} responses have no price</strong> and are not in the cost:{" "}
      {unpriced
        .map(({ model, responses: count }) => `${model ?? "unknown model"} (${countText(count)})`)
        .join(", ")}
      . <a href="/prices">Add a price</a>.
    </p>
  );
}
