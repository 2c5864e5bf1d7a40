import type { UsageRow } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { csvOf, download } from "../../format/csv.ts";
import { costText, countText, shortText } from "../../format/numbers.ts";
import { cacheRate, type Measure, measureOf } from "./usage-sums.ts";

const ROWS_SHOWN = 10;

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
  const shown = isWhole ? rows : rows.slice(0, ROWS_SHOWN);
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
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="table-wrap" tabIndex={0} aria-label={title}>
        <table class="usage-table">
          <thead>
            <tr>
              <th>{first}</th>
              <th class="number">Cost</th>
              <th class="number">Sessions</th>
              <th class="number">Responses</th>
              <th class="number">Input</th>
              <th class="number">Output</th>
              <th class="number">Cache read</th>
              <th class="number">Cache write</th>
              <th class="number">Cache rate</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Row
                key={row.key}
                row={row}
                name={nameOf(row)}
                to={hrefOf(row)}
                share={most === 0 ? 0 : measureOf(row, measure) / most}
              />
            ))}
          </tbody>
        </table>
      </section>
      {rows.length > ROWS_SHOWN && (
        <button type="button" class="link" onClick={() => setIsWhole(!isWhole)}>
          {isWhole ? "Show fewer" : `Show all ${countText(rows.length)}`}
        </button>
      )}
    </>
  );
}

function Row({
  row,
  name,
  to,
  share,
}: {
  row: UsageRow;
  name: string;
  to: string | null;
  /** Of the largest row. */
  share: number;
}): JSX.Element {
  return (
    <tr>
      <th scope="row">
        <span class="share" style={{ width: `${share * 100}%` }} />
        {to === null ? name : <a href={to}>{name}</a>}
      </th>
      <td
        class="number"
        title={row.cost_is_partial ? "Some responses have no price: the cost is higher." : undefined}
      >
        {costText(row.cost_usd)}
        {row.cost_is_partial && row.cost_usd !== null && "+"}
      </td>
      <td class="number">{countText(row.sessions)}</td>
      <td class="number">{countText(row.responses)}</td>
      <td class="number">{shortText(row.tokens_in)}</td>
      <td class="number">{shortText(row.tokens_out)}</td>
      <td class="number">{shortText(row.cache_read_tokens)}</td>
      <td class="number">{shortText(row.cache_write_tokens)}</td>
      <td class="number">{cacheRate(row)}</td>
    </tr>
  );
}
