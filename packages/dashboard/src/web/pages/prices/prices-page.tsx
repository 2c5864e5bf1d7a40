import type { PriceRow } from "@wharf/protocol";
import { priceScopeText } from "@wharf/protocol/price-words";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { canChange, hub } from "../../app/hub.ts";
import { query, setQuery } from "../../app/router.ts";
import { SUMS_INTERVAL_MS, useLiveReload } from "../../app/use-live-reload.ts";
import { useQuery } from "../../app/use-query.ts";
import { counted } from "../../format/numbers.ts";
import { PageHead } from "../../ui/parts.tsx";
import { Empty, Loaded } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { PriceForm } from "./price-form.tsx";

/** USD per million tokens by model, and the models without a price. */
export function PricesPage(): JSX.Element {
  const [isAdding, setIsAdding] = useState<string | null>(null);
  const prices = useQuery("prices", () => hub.prices());
  const usage = useQuery("unpriced", () => hub.usage({ group: "model" }));
  // A price that is added reaches the sessions by a job.
  useLiveReload(["session"], usage, { intervalMs: SUMS_INTERVAL_MS });
  const wanted = query.value.get("model") ?? "";
  return (
    <>
      <PageHead title="Prices" note="US dollars per million tokens. A response has the price of its day.">
        {canChange() && (
          <button type="button" class="primary" onClick={() => setIsAdding("")}>
            Add a price
          </button>
        )}
      </PageHead>
      <Loaded query={usage} rows={1}>
        {({ unpriced }) =>
          unpriced.length > 0 && (
            <div class="note warning">
              <p>These models have no price; their responses count without cost:</p>
              <ul class="plain">
                {unpriced.map(({ model, responses }) => (
                  <li key={model ?? ""}>
                    <code>{model ?? "unknown"}</code> {counted(responses, "response")}{" "}
                    {canChange() && model !== null && (
                      <button type="button" class="small" onClick={() => setIsAdding(model)}>
                        Add its price
                      </button>
                    )}
                  </li>
                ))}
              </ul>
            </div>
          )
        }
      </Loaded>
      <div class="filters">
        <label>
          Model
          <input
            name="model"
            placeholder="claude-opus"
            value={wanted}
            onInput={(event) => setQuery({ model: event.currentTarget.value })}
          />
        </label>
      </div>
      <Loaded query={prices}>
        {(rows) => (
          <PriceTable
            rows={rows.filter(({ model, aliases }) =>
              [model, ...aliases].some((name) => name.includes(wanted)),
            )}
          />
        )}
      </Loaded>
      {isAdding !== null && (
        <PriceForm model={isAdding} onSaved={prices.reload} onClose={() => setIsAdding(null)} />
      )}
    </>
  );
}

const RATES = [
  ["input", "input"],
  ["output", "output"],
  ["cache_read", "cache read"],
  ["cache_write_5m", "write 5 m"],
  ["cache_write_1h", "write 1 h"],
] as const;

const COLUMNS: readonly [Column<PriceRow>, ...Column<PriceRow>[]] = [
  { title: "model", cell: ({ model }) => <code>{model}</code> },
  ...RATES.map(([rate, title]) => ({ title, isNumber: true, cell: (row: PriceRow) => row[rate] ?? "–" })),
  { title: "applies", class: "faint", cell: priceScopeText },
  {
    title: "source",
    class: "faint",
    cell: ({ source, source_date }) => (source_date === null ? source : `${source} · ${source_date}`),
  },
];

function PriceTable({ rows }: { rows: readonly PriceRow[] }): JSX.Element {
  if (rows.length === 0) return <Empty title="No price of such a model." />;
  return (
    <Table
      label="Prices"
      columns={COLUMNS}
      rows={rows}
      keyOf={(row) => JSON.stringify([row.model, row.from, row.above_input_tokens, row.speed])}
    />
  );
}
