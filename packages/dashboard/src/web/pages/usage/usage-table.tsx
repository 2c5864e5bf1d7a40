import type { UsageRow } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { csvOf, download } from "../../format/csv.ts";
import { countText, shortText } from "../../format/numbers.ts";
import { Cost } from "../../ui/cost.tsx";
import { Held } from "../../ui/held.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { cacheRate, type Measure, measureOf } from "./usage-sums.ts";

const ROWS_SHOWN = 10;

const COUNTS: readonly Column<UsageRow>[] = [
  {
    title: "Cost",
    isNumber: true,
    cell: ({ cost_usd, cost_is_partial }) => <Cost usd={cost_usd} isPartial={cost_is_partial} />,
  },
  { title: "Sessions", isNumber: true, cell: ({ sessions }) => countText(sessions) },
  { title: "Responses", isNumber: true, cell: ({ responses }) => countText(responses) },
  { title: "Input", isNumber: true, cell: ({ tokens_in }) => shortText(tokens_in) },
  { title: "Output", isNumber: true, cell: ({ tokens_out }) => shortText(tokens_out) },
  { title: "Cache read", isNumber: true, cell: ({ cache_read_tokens }) => shortText(cache_read_tokens) },
  { title: "Cache write", isNumber: true, cell: ({ cache_write_tokens }) => shortText(cache_write_tokens) },
  { title: "Cache rate", isNumber: true, cell: cacheRate },
];

/** Sums as text; each row leads to its sessions. */
export function UsageTable({
  title,
  first,
  file,
  rows,
  measure,
  nameOf,
  hrefOf,
}: {
  title: string;
  /** The head of the first column. */
  first: string;
  /** The name of the CSV file, without its ending. */
  file: string;
  rows: readonly UsageRow[];
  measure: Measure;
  nameOf: (row: UsageRow) => string;
  /** Null: there is nothing to open. */
  hrefOf: (row: UsageRow) => string | null;
}): JSX.Element | null {
  const [isWhole, setIsWhole] = useState(false);
  if (rows.length === 0) return null;
  const most = Math.max(...rows.map((row) => measureOf(row, measure)));
  const named: Column<UsageRow> = {
    title: first,
    class: "usage-name",
    cell: (row) => {
      const to = hrefOf(row);
      const share = most === 0 ? 0 : measureOf(row, measure) / most;
      return (
        <>
          <span class="share" style={{ width: `${share * 100}%` }} />
          {to === null ? nameOf(row) : <a href={to}>{nameOf(row)}</a>}
        </>
      );
    },
  };
  return (
    <>
      <div class="table-head">
        <h2>{title}</h2>
        <button
          type="button"
          class="small"
          onClick={() => download(`${file}.csv`, csvOf(rows), "text/csv;charset=utf-8")}
        >
          Download CSV
        </button>
      </div>
      <Held items={rows} keyOf={keyOf}>
        {(held) => (
          <Table
            label={title}
            columns={[named, ...COUNTS]}
            rows={isWhole ? held : held.slice(0, ROWS_SHOWN)}
            keyOf={keyOf}
          />
        )}
      </Held>
      {rows.length > ROWS_SHOWN && (
        <button type="button" class="link" onClick={() => setIsWhole(!isWhole)}>
          {isWhole ? "Show fewer" : `Show all ${countText(rows.length)}`}
        </button>
      )}
    </>
  );
}

function keyOf({ key }: UsageRow): string {
  return key ?? "";
}
