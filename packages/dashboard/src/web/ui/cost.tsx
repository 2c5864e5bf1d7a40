import type { JSX } from "preact";
import { costText } from "../format/numbers.ts";

/** A cost in US dollars, with a plus if some of its responses have no price. */
export function Cost({ usd, isPartial }: { usd: number | null; isPartial: boolean }): JSX.Element {
  return (
    <span title={isPartial ? "Some responses have no price: the cost is higher." : undefined}>
      {costText(usd)}
      {isPartial && usd !== null && "+"}
    </span>
  );
}
