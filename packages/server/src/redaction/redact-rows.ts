import { RedactionTimeError } from "@wharf/redaction";
import type { Database } from "../db/database.ts";
import {
  type HeldRow,
  type HeldScope,
  hasAtMost,
  keyBehindSought,
  placesOfBlocks,
  readHeldRows,
  replaceHeldTexts,
} from "../db/redaction/held-rows.ts";
import type { HeldTable } from "../db/redaction/held-tables.ts";
import { transaction } from "../db/transaction.ts";
import { lockSessionOfStep } from "../db/transcripts/known-rows.ts";
import { readIndexed } from "../db/transcripts/spilled-results.ts";
import { writeDocuments } from "../search/write-documents.ts";
import type { RedactText } from "./text-redaction.ts";

/** What was replaced, or would be. */
export type Replaced = {
  rows: number;
  /** By rule. */
  secrets: Record<string, number>;
  /** Texts that took too long: they stay as they are. */
  too_slow: number;
};

export type Rewrite = {
  database: Database;
  redact: RedactText;
  /** Nothing is written. */
  isDryRun: boolean;
  /** Looked at before each page. */
  signal: AbortSignal;
  /** Of sessions, in a table: more are not sorted for each page. Default: SORTED_ROWS_MAX. */
  sortedRowsMax?: number;
};

/** 50,000 rows are read and sorted in 0.1 to 0.25 s; three million exceeded the time limit of a statement. Seeking takes 4 ms a piece. */
const SORTED_ROWS_MAX = 50_000;

const ROWS_PER_PAGE = 200;
/** Their texts are searched. */
const BLOCKS = "content_blocks";

export function nothingReplaced(): Replaced {
  return { rows: 0, secrets: {}, too_slow: 0 };
}

export function addReplaced(total: Replaced, more: Replaced): void {
  total.rows += more.rows;
  total.too_slow += more.too_slow;
  addCounts(total.secrets, Object.entries(more.secrets));
}

export function addCounts(totals: Record<string, number>, counts: Iterable<readonly [string, number]>): void {
  for (const [rule, count] of counts) totals[rule] = (totals[rule] ?? 0) + count;
}

/**
 * Replaces the secrets in a table's rows behind a key, page by page; repeating it replaces nothing more. Null: all rows are done. Else the
 * key to continue with, once `isOver`. Throws the reason of an aborted signal.
 */
export async function redactRows(
  rewrite: Rewrite,
  table: HeldTable,
  scope: HeldScope,
  replaced: Replaced,
  from: { after: string[] | null; isOver: () => boolean } = { after: null, isOver: () => false },
): Promise<string[] | null> {
  const isSought = !("session_ids" in scope) || !(await hasFew(rewrite, table, scope));
  if (isSought && "session_ids" in scope && scope.session_ids.length > 1) {
    for (const id of scope.session_ids) await redactRows(rewrite, table, { session_ids: [id] }, replaced);
    return null;
  }
  let { after } = from;
  for (;;) {
    rewrite.signal.throwIfAborted();
    const page = { after, limit: ROWS_PER_PAGE, isSought };
    const rows: HeldRow[] = await rewrite.database.run((sql) => readHeldRows(sql, table, scope, page));
    await redactPage(rewrite, table, rows, replaced);
    const last = rows.at(-1)?.key ?? null;
    after =
      last ?? (isSought ? await rewrite.database.run((sql) => keyBehindSought(sql, table, after)) : null);
    if (after === null) return null;
    if (from.isOver()) return after;
  }
}

async function hasFew(
  { database, sortedRowsMax = SORTED_ROWS_MAX }: Rewrite,
  table: HeldTable,
  scope: HeldScope,
): Promise<boolean> {
  return await database.run((sql) => hasAtMost(sql, table, scope, sortedRowsMax));
}

type Change = { row: HeldRow; texts: (string | null)[] };

async function redactPage(
  { database, redact, isDryRun }: Rewrite,
  table: HeldTable,
  rows: readonly HeldRow[],
  replaced: Replaced,
): Promise<void> {
  const changes: Change[] = [];
  for (const row of rows) {
    const texts: (string | null)[] = [];
    for (const text of row.texts) texts.push(await redactHeld(text, redact, replaced));
    if (texts.some((text) => text !== null)) changes.push({ row, texts });
  }
  replaced.rows += changes.length;
  if (isDryRun || changes.length === 0) return;
  // A row that changes meanwhile is one that this version has written: its new texts are redacted.
  if (table.table === BLOCKS) await replaceBlocks(database, table, changes);
  else
    for (const { row, texts } of changes)
      await database.run((sql) => replaceHeldTexts(sql, sql, table, row, texts));
}

/** With the documents of their messages: the words around a secret are still found. No parse step writes them meanwhile. */
async function replaceBlocks(
  database: Database,
  table: HeldTable,
  changes: readonly Change[],
): Promise<void> {
  const ids = changes.flatMap(({ row }) => row.key);
  await database.run((sql) =>
    transaction(sql, async ({ query }) => {
      const { session_ids, message_ids } = await placesOfBlocks(query, ids);
      for (const id of session_ids) await lockSessionOfStep(query, id);
      for (const { row, texts } of changes) await replaceHeldTexts(sql, query, table, row, texts);
      await writeDocuments(query, await readIndexed(query, message_ids));
    }),
  );
}

/** Null: the text stays. */
async function redactHeld(
  text: string | null,
  redact: RedactText,
  replaced: Replaced,
): Promise<string | null> {
  if (text === null) return null;
  try {
    const redacted = await redact(text);
    addCounts(replaced.secrets, redacted?.counts ?? []);
    return redacted?.text ?? null;
  } catch (error) {
    if (!(error instanceof RedactionTimeError)) throw error;
    replaced.too_slow += 1;
    return null;
  }
}
