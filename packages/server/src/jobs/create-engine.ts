import { createJobRunner, type JobRunner } from "@wharf/job-runner";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Config } from "../config.ts";
import { createDeleteInPieces, type DeleteInPieces } from "../db/delete-in-pieces.ts";
import { poolSizesOf, sharesOf } from "../db/pool-sizes.ts";
import type { Pools } from "../db/pools.ts";
import type { Logger } from "../logger.ts";
import type { Redaction } from "../redaction/create-redaction.ts";
import { COMMAND_QUEUE, COMMANDS_AT_ONCE, createCommandJobs } from "./command-job.ts";
import { createSessionsDeletionJob, type DeleteSessions } from "./delete-sessions.ts";
import { createParseJob, type EnqueueParse, TRANSCRIPT_QUEUE } from "./parse-transcript.ts";
import { createRedactionJob, type EnqueueRedaction, redactOutdated } from "./redact-held.ts";
import { createReparseJob, type ParseQueue } from "./reparse-sessions.ts";
import { createServerJobs } from "./server-jobs.ts";
import {
  createSessionDeleter,
  createSessionDeletionJob,
  DELETION_QUEUE,
  DELETIONS_AT_ONCE,
  type DeleteSession,
} from "./session-deletion.ts";
import { createSummaryJob, SUMMARIES_AT_ONCE, SUMMARY_QUEUE } from "./summarize-session.ts";

export type EngineOptions = {
  config: Config;
  pools: Pools;
  blobs: BlobStore;
  logger: Logger;
  /** Awaited first by the runner's `start`. */
  migrate?: () => Promise<unknown>;
  redaction: Redaction;
  /** How long a request waits for the deletion of a session. */
  deletionMs?: number | undefined;
  /** Called when a job of this process begins or ends a run. */
  onJobChanged?: (jobId: string) => void;
};

export type Engine = {
  runner: JobRunner;
  deleteInPieces: DeleteInPieces;
  deleteSession: DeleteSession;
  deleteSessions: DeleteSessions;
  /** Enqueues what reads a session's files, after one was committed. */
  onAppended: EnqueueParse;
  parses: ParseQueue;
  enqueueRedaction: EnqueueRedaction;
  /** On a migrated database: enqueues the search of what older rules have searched. */
  redactOutdated: () => Promise<void>;
};

/** The job engine with all jobs of the server. Nothing runs before `runner.start`; jobs can be enqueued and run by hand. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { config, pools, blobs, logger, migrate, deletionMs, redaction, onJobChanged } = options;
  const database = pools.deferrable;
  const deleteInPieces = createDeleteInPieces(database);
  const onAppended: EnqueueParse = (session_id) =>
    runner.enqueue(parseJob, { session_id }, { replace: { key: session_id } });
  const silence = { database, logger, sessionIdleMs: config.sessionIdleMs };
  const parseJob = createParseJob({ ...silence, blobs, enqueue: onAppended });
  const reparseJob = createReparseJob(database, onAppended);
  const summaryJob =
    config.summaryEndpoint === null ? null : createSummaryJob(database, config.summaryEndpoint);
  const askModel =
    summaryJob === null
      ? null
      : (session_id: string) => runner.enqueue(summaryJob, { session_id }, { replace: { key: session_id } });
  const recurrences = createServerJobs({
    ...silence,
    deleteInPieces,
    blobs,
    enqueueParse: onAppended,
    askModel,
  });
  const deletionJob = createSessionDeletionJob(deleteInPieces);
  const sessionsDeletionJob = createSessionsDeletionJob(database, deleteInPieces);
  const redactionJob = createRedactionJob({ database, blobs, redaction, enqueueParse: onAppended });
  const runner: JobRunner = createJobRunner({
    sql: pools.jobs,
    administrationSql: pools.jobAdministration,
    listenSql: pools.listen,
    ...(migrate === undefined ? {} : { migrate }),
    jobs: [
      ...recurrences.map(({ job }) => job),
      deletionJob,
      sessionsDeletionJob,
      parseJob,
      reparseJob,
      ...(summaryJob === null ? [] : [summaryJob]),
      redactionJob,
      ...(await createCommandJobs(config, blobs)),
    ],
    queues: {
      [COMMAND_QUEUE]: COMMANDS_AT_ONCE,
      [DELETION_QUEUE]: DELETIONS_AT_ONCE,
      [TRANSCRIPT_QUEUE]: sharesOf(poolSizesOf(config.databaseConnections)).parses,
      [SUMMARY_QUEUE]: SUMMARIES_AT_ONCE,
    },
    schedules: recurrences.map(({ schedule }) => schedule),
    workers: config.role !== "server",
    workerMode: config.workerMode,
    useAdvisoryLocks: config.useAdvisoryLocks,
    onRunStarted: ({ jobId }) => onJobChanged?.(jobId),
    onRunEnded: ({ jobId }) => onJobChanged?.(jobId),
    logger,
  });
  const deleteSession = createSessionDeleter({
    deleteInPieces,
    enqueue: (session_id) => runner.enqueue(deletionJob, { session_id }),
    logger,
    ...(deletionMs === undefined ? {} : { requestMs: deletionMs }),
  });
  const parses: ParseQueue = {
    enqueue: onAppended,
    readAgain: (filter) => runner.enqueue(reparseJob, filter),
  };
  const redactAll = (idempotencyKey: string) =>
    runner.enqueue(redactionJob, { filter: {}, dry_run: false }, { idempotencyKey });
  return {
    runner,
    deleteInPieces,
    deleteSession,
    deleteSessions: (input) => runner.enqueue(sessionsDeletionJob, input),
    onAppended,
    parses,
    enqueueRedaction: (input) => runner.enqueue(redactionJob, input),
    redactOutdated: () => redactOutdated(database, redactAll),
  };
}
