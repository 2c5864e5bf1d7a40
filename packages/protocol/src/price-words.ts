import type { PriceRow } from "./price.ts";

/** The kind of requests and the days that a price is for, as pages and the command line name them. Without a dependency, for both. */
export function priceScopeText({
  from,
  to,
  above_input_tokens,
  speed,
}: Pick<PriceRow, "from" | "to" | "above_input_tokens" | "speed">): string {
  const days = [from === null ? "" : `from ${from}`, to === null ? "" : `until ${to}`]
    .filter(Boolean)
    .join(" ");
  const kind =
    above_input_tokens !== null
      ? `above ${above_input_tokens.toLocaleString("en")} input tokens`
      : speed === "fast"
        ? "fast mode"
        : "";
  return [kind, days === "" ? "always" : days].filter(Boolean).join(", ");
}
