import type { PriceRow } from "@wharf/protocol";
import { priceScopeText } from "@wharf/protocol/price-words";
import type { Command } from "commander";
import { CliError, EXIT } from "../cli-error.ts";
import { type HubOptions, openHub, withHubOptions } from "../hub.ts";
import type { Io } from "../io.ts";
import { printTable } from "../output/table.ts";
import { plain } from "../output/text.ts";

type SetOptions = HubOptions & {
  provider: string;
  from?: string;
  input?: number;
  output?: number;
  cacheRead?: number;
  cacheWrite5m?: number;
  cacheWrite1h?: number;
};

/** `wharf prices` and `wharf prices set` */
export function prices(command: Command, io: Io): void {
  withHubOptions(command)
    .option("--model <text>", "only models whose names contain this")
    .action(async function listPrices({ model = "", ...options }: HubOptions & { model?: string }) {
      const all = await (await openHub(io, options)).prices();
      const found = all.filter((row) => [row.model, ...row.aliases].some((name) => name.includes(model)));
      if (options.json) io.json({ prices: found });
      else printPrices(io, found);
    });
  withHubOptions(
    command
      .command("set <model>")
      .description(
        "Add or replace a price, in US dollars per million tokens; an omitted one is unknown, not free; needs an admin key",
      ),
  )
    .requiredOption("--provider <name>", "such as anthropic")
    .option("--from <day>", "its first day, such as 2026-12-01; by default it has always held")
    .option("--input <usd>", "of input without cache", rateOf)
    .option("--output <usd>", "of output", rateOf)
    .option("--cache-read <usd>", "of input from the cache", rateOf)
    .option("--cache-write-5m <usd>", "of input that is cached for 5 minutes", rateOf)
    .option("--cache-write-1h <usd>", "of input that is cached for an hour", rateOf)
    .action(async function setPrice(model: string, options: SetOptions) {
      const { provider, from = null, input = null, output = null } = options;
      const { cacheRead: cache_read = null } = options;
      const { cacheWrite5m: cache_write_5m = null, cacheWrite1h: cache_write_1h = null } = options;
      const rates = { input, output, cache_read, cache_write_5m, cache_write_1h };
      const hub = await openHub(io, options, "admin");
      const price = await hub.putPrice({ model, provider, from, ...rates });
      if (options.json) io.json({ price });
      else io.print(`Saved the price of ${plain(price.model)}. Responses are priced again within minutes.`);
    });
}

function printPrices(io: Io, rows: readonly PriceRow[]): void {
  const rate = (title: string, cell: (row: PriceRow) => number | null) => ({
    title,
    cell: (row: PriceRow) => String(cell(row) ?? "–"),
    align: "right" as const,
  });
  printTable(
    io,
    [
      { title: "MODEL", cell: ({ model }) => model, isWhole: true },
      rate("INPUT", ({ input }) => input),
      rate("OUTPUT", ({ output }) => output),
      rate("READ", ({ cache_read }) => cache_read),
      { ...rate("WRITE 5M", ({ cache_write_5m }) => cache_write_5m), isOptional: true },
      { ...rate("WRITE 1H", ({ cache_write_1h }) => cache_write_1h), isOptional: true },
      { title: "APPLIES", cell: priceScopeText, isWide: true },
      { title: "SOURCE", cell: ({ source }) => source, isOptional: true },
    ],
    rows,
    "No model of this name has a price.",
  );
}

/** US dollars. Throws CliError. */
function rateOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new CliError(
    `"${plain(text)}" is no amount. Use a number such as 2.5.`,
    EXIT.usage,
    "NUMBER_INVALID",
  );
}
