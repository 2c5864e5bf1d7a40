import type { BlobLocation } from "../blobs/blob-location.ts";
import type { Progress } from "../db/transfer/load.ts";

const REDRAW_INTERVAL_MS = 100;
const NAME_WIDTH = 24;
const CLEAR_LINE = "\r\u001B[K";

export type TransferOutput = Progress & {
  print(line: string): void;
  /** Rows and tables so far. */
  totals(): { rows: number; tables: number };
};

/** A line a table; on a terminal also the rows of the table that is being copied. */
export function createTransferOutput(output: NodeJS.WriteStream): TransferOutput {
  let drawnAt = 0;
  const totals = { rows: 0, tables: 0 };
  const print = (line: string) => {
    output.write(`${output.isTTY ? CLEAR_LINE : ""}${line}\n`);
  };
  return {
    print,
    totals: () => totals,
    onRows: (table, rows) => {
      if (!output.isTTY || performance.now() - drawnAt < REDRAW_INTERVAL_MS) return;
      drawnAt = performance.now();
      output.write(`${CLEAR_LINE}${describe(table, rows)}`);
    },
    onTable: (table, { rows }) => {
      totals.rows += rows;
      totals.tables += 1;
      print(describe(table, rows));
    },
    onUnknownTable: (table) => print(`${table} was not copied: Wharf's migrations do not create it.`),
  };
}

/** What a copy of the database does not hold. */
export function printLeftOut(output: TransferOutput, blobs: BlobLocation): void {
  output.print("change_log was not copied: live readers start with a reset.");
  if (blobs.kind === "directory") {
    output.print(`Blobs are files in ${blobs.path}, not in the database: copy that folder as well.`);
  }
  if (blobs.kind === "s3") {
    output.print(
      `Blobs are objects of the bucket ${blobs.bucket}, not in the database: the target needs the same BLOB_URL.`,
    );
  }
}

export const OTHERS_CONNECTED =
  "Wharf is running on this database. The copy is one snapshot: it does not include events acknowledged from now on.";

export function describeTotals({ rows, tables }: { rows: number; tables: number }): string {
  return `${counted(rows, "row")} in ${counted(tables, "table")}`;
}

function describe(table: string, rows: number): string {
  return `${table.padEnd(NAME_WIDTH)} ${counted(rows, "row")}`;
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
