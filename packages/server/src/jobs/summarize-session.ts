import { defineJob, type JobDefinition, UnrecoverableError } from "@wharf/job-runner";
import { costOf, NO_USAGE } from "@wharf/transcripts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { type SummaryToWrite, writeSummaries } from "../db/summaries/lifecycle.ts";
import { readMaterial, type SummaryMaterial } from "../db/summaries/material.ts";
import { askModel, type SummaryEndpoint } from "../summaries/ask-model.ts";
import { plainSummary } from "../summaries/plain-summary.ts";
import { readPriceList } from "../transcripts/pricing.ts";

export const SUMMARY_QUEUE = "summaries";
export const SUMMARIES_AT_ONCE = 2;
const ATTEMPTS_MAX = 5;
/** Above the deadline of a request. */
const ATTEMPT_MAX_MS = 2 * 60_000;

const summaryInput = z.object({ session_id: z.string() });
export type SummaryJob = JobDefinition<typeof summaryInput>;

/** Asks the endpoint's model for the summary of a session that is parsed. When no attempt is left, its plain summary stands. */
export function createSummaryJob(database: Database, endpoint: SummaryEndpoint): SummaryJob {
  return defineJob({
    name: "summarize-session",
    queue: SUMMARY_QUEUE,
    input: summaryInput,
    maxAttempts: ATTEMPTS_MAX,
    timeoutMs: ATTEMPT_MAX_MS,
    concurrency: { key: ({ session_id }) => session_id },
    run: async (context, { session_id }) => {
      const [material] = await database.run((sql) => readMaterial(sql, [session_id]));
      if (material === undefined) return null;
      try {
        const written = await summarize(database, endpoint, material, context.signal);
        return { model: written.model, cost_usd: written.cost_usd };
      } catch (error) {
        const isLast = context.attempt >= ATTEMPTS_MAX || error instanceof UnrecoverableError;
        if (isLast && !context.signal.aborted) await keepPlain(database, material);
        throw error;
      }
    },
  });
}

async function summarize(
  database: Database,
  endpoint: SummaryEndpoint,
  material: SummaryMaterial,
  signal: AbortSignal,
): Promise<SummaryToWrite> {
  const { summary, model, tokens_in, tokens_out } = await askModel(endpoint, material, signal);
  const prices = await database.run((sql) => readPriceList(sql));
  const usage = { ...NO_USAGE, input: tokens_in, output: tokens_out };
  const billed = { model, at: new Date().toISOString(), speed: null, inference_geo: null, usage };
  const written: SummaryToWrite = {
    session_id: material.id,
    summary,
    source: "model",
    model,
    tokens_in,
    tokens_out,
    cost_usd: costOf(billed, prices)?.usd ?? null,
  };
  await database.run((sql) => writeSummaries(sql, [written], true));
  return written;
}

async function keepPlain(database: Database, material: SummaryMaterial): Promise<void> {
  const usage = { model: null, tokens_in: null, tokens_out: null, cost_usd: null };
  const plain: SummaryToWrite = {
    session_id: material.id,
    summary: plainSummary(material),
    source: "plain",
    ...usage,
  };
  await database.run((sql) => writeSummaries(sql, [plain], true));
}
