import type { BlobStore } from "../blobs/blob-store.ts";
import type { DeleteInPieces } from "../db/delete-in-pieces.ts";
import { areOldBlobsOrphans, BLOB_DAYS, PRUNED_TABLES, prune } from "../db/edits/retention.ts";
import { sampleStorage } from "../db/edits/storage-samples.ts";
import { refreshPassingStates } from "../ingest/refresh-live-states.ts";
import { retryProjections } from "../ingest/retry-projections.ts";
import { indexSessions, pruneTokens } from "../search/index-sessions.ts";
import { summarizeSessions } from "../summaries/summarize-sessions.ts";
import { compactSegments } from "../transcripts/custody/compact-segments.ts";
import { applyRetention } from "./apply-retention.ts";
import { removeUnreferencedBlobs } from "./blob-removal.ts";
import { countEvents } from "./count-events.ts";
import { eachInTurn } from "./each-in-turn.ts";
import { endSilentSessions, type Silence } from "./end-silent-sessions.ts";
import { type EnqueueParse, enqueueLeftParses } from "./parse-transcript.ts";
import { createRecurrence, type Recurrence, type RecurringJob } from "./recurring.ts";
import { reprice } from "./repricing.ts";
import { resumeDeletions } from "./session-deletion.ts";

export type ServerJobDependencies = Silence & {
  /** Over a pool of its own: a statement that takes too long must not replace that of ingest. */
  deleteInPieces: DeleteInPieces;
  blobs: BlobStore;
  /** Enqueues a job that asks a model for a session's summary; null: no endpoint is configured. */
  askModel: ((session_id: string) => Promise<unknown>) | null;
  enqueueParse: EnqueueParse;
};

const EACH_MINUTE = "* * * * *";
const EACH_HOUR = "0 * * * *";
const EACH_DAY = "0 0 * * *";
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** An upload to which nothing was added for so long has lost its sender. */
const UPLOAD_SILENCE_MS = 60 * MINUTE_MS;

/** The jobs that the server runs by itself, once a tick over all its processes. */
export function createServerJobs(dependencies: ServerJobDependencies): Recurrence[] {
  const { database, deleteInPieces, blobs, logger } = dependencies;
  const endIdle = () => endSilentSessions(dependencies);
  const refreshStates = (signal: AbortSignal) => refreshPassingStates(database, signal);
  const retry = () => retryProjections(database, logger);
  const expireBlobs = async (signal: AbortSignal) => {
    if (await database.run(areOldBlobsOrphans)) await blobs.expire(BLOB_DAYS * DAY_MS, signal);
  };
  const pruneAll = (signal: AbortSignal) =>
    eachInTurn([
      ...PRUNED_TABLES.map((table) => () => prune(deleteInPieces, table, signal)),
      () => blobs.sweep(UPLOAD_SILENCE_MS, signal),
      () => expireBlobs(signal),
      () => pruneTokens(database, signal),
    ]);
  const summarizeAll = (signal: AbortSignal) =>
    summarizeSessions({ database, askModel: dependencies.askModel }, signal);
  const retain = (signal: AbortSignal) => applyRetention(dependencies, signal);
  const repriceAll = (signal: AbortSignal) => reprice(database, signal);
  const enqueueParses = enqueueLeftParses(dependencies, dependencies.enqueueParse);
  const count = (signal: AbortSignal) => countEvents(database, signal);
  const sample = () => database.run(sampleStorage);
  const resume = resumeDeletions(database, deleteInPieces);
  const compact = (signal: AbortSignal) => compactSegments({ database, blobs }, signal);
  const removeBlobs = removeUnreferencedBlobs(database, blobs);
  const recurring: RecurringJob[] = [
    { name: "end-idle-sessions", cron: EACH_MINUTE, timeout_ms: MINUTE_MS, run: endIdle },
    { name: "refresh-live-states", cron: EACH_MINUTE, timeout_ms: MINUTE_MS, run: refreshStates },
    { name: "repair-ingest", cron: EACH_MINUTE, timeout_ms: MINUTE_MS, run: retry },
    { name: "reprice-responses", cron: EACH_MINUTE, timeout_ms: 60 * MINUTE_MS, run: repriceAll },
    { name: "enqueue-parses", cron: EACH_MINUTE, timeout_ms: MINUTE_MS, run: enqueueParses },
    { name: "count-events", cron: EACH_MINUTE, timeout_ms: 60 * MINUTE_MS, run: count },
    { name: "summarize-sessions", cron: EACH_MINUTE, timeout_ms: 60 * MINUTE_MS, run: summarizeAll },
    { name: "resume-deletions", cron: EACH_MINUTE, timeout_ms: MINUTE_MS, run: resume },
    {
      name: "index-sessions",
      cron: EACH_MINUTE,
      timeout_ms: 10 * MINUTE_MS,
      run: (signal) => indexSessions(database, signal),
    },
    { name: "compact-transcripts", cron: EACH_HOUR, timeout_ms: 30 * MINUTE_MS, run: compact },
    { name: "remove-blobs", cron: EACH_MINUTE, timeout_ms: 10 * MINUTE_MS, run: removeBlobs },
    { name: "apply-retention", cron: EACH_HOUR, timeout_ms: 60 * MINUTE_MS, run: retain },
    { name: "sample-storage", cron: EACH_DAY, timeout_ms: 10 * MINUTE_MS, run: sample },
    { name: "prune", cron: EACH_HOUR, timeout_ms: 60 * MINUTE_MS, run: pruneAll },
  ];
  return recurring.map((job) => createRecurrence(job, logger));
}
