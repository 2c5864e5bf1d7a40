import type { Database } from "../db/database.ts";
import { advanceParsed, findParsed, type SummaryToWrite, writeSummaries } from "../db/summaries/lifecycle.ts";
import { readMaterial } from "../db/summaries/material.ts";
import { plainSummary } from "./plain-summary.ts";

/** How long a session has to be quiet after its end. */
const QUIET_MS = 10 * 60_000;
const SESSIONS_PER_PIECE = 200;
/** A job that asks a model and has not ended by then was lost. */
const PENDING_MS = 60 * 60_000;
const NO_USAGE = { model: null, tokens_in: null, tokens_out: null, cost_usd: null };

export type SummarizeOptions = {
  database: Database;
  /** Enqueues the job that asks a model; null: there is none, and plain summaries are the last ones. */
  askModel: ((session_id: string) => Promise<unknown>) | null;
  quietMs?: number;
};

/**
 * Advances sessions that ended and are quiet: to `parsed` when their transcripts are parsed, and with a plain summary to `summarized`,
 * or to the job that asks a model. Returns the number of sessions that were summarized.
 */
export async function summarizeSessions(
  { database, askModel, quietMs = QUIET_MS }: SummarizeOptions,
  signal: AbortSignal,
): Promise<number> {
  let summarized = 0;
  while (!signal.aborted) {
    const parsed = await database.run((sql) => advanceParsed(sql, quietMs, SESSIONS_PER_PIECE));
    const ids = await database.run((sql) =>
      findParsed(sql, askModel === null ? 0 : PENDING_MS, SESSIONS_PER_PIECE),
    );
    if (parsed === 0 && ids.length === 0) break;
    summarized += await summarizePiece(database, ids, askModel);
  }
  return summarized;
}

async function summarizePiece(
  database: Database,
  ids: readonly string[],
  askModel: SummarizeOptions["askModel"],
): Promise<number> {
  const materials = await database.run((sql) => readMaterial(sql, ids));
  const summaries = materials.map((material) => ({ material, summary: plainSummary(material) }));
  const toAsk = (entry: (typeof summaries)[number]) =>
    askModel !== null && entry.summary !== null && !entry.material.is_edited;
  const write = (entries: typeof summaries, is_last: boolean) =>
    database.run((sql) => writeSummaries(sql, entries.map(toWrite), is_last));
  const asked = summaries.filter(toAsk);
  await write(
    summaries.filter((entry) => !toAsk(entry)),
    true,
  );
  await write(asked, false);
  for (const { material } of asked) await askModel?.(material.id);
  return materials.length;
}

function toWrite({
  material,
  summary,
}: {
  material: { id: string };
  summary: string | null;
}): SummaryToWrite {
  return { session_id: material.id, summary, source: "plain", ...NO_USAGE };
}
