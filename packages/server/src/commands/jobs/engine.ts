import { createJobRunner, type JobRunner } from "@wharf/job-runner";
import pino from "pino";
import { openBlobStore } from "../../blobs/open-blob-store.ts";
import { createDeleteInPieces } from "../../db/delete-in-pieces.ts";
import { locateDatabase } from "../../db/embedded.ts";
import { CONNECTIONS_MIN } from "../../db/pool-sizes.ts";
import { openPools } from "../../db/pools.ts";
import { loadConfig, resolveFromRoot } from "../../environment.ts";
import { createCommandJobs } from "../../jobs/command-job.ts";
import { createServerJobs } from "../../jobs/server-jobs.ts";
import { createSessionDeletionJob } from "../../jobs/session-deletion.ts";
import { createLogOutput } from "../../log-output.ts";

const DRAIN_MS = 3_000;

export type Engine = JobRunner;

/** The job engine on the server's database, which claims nothing by itself. A signal gives back what runs. */
export async function withEngine<T>(use: (engine: Engine) => Promise<T>): Promise<T> {
  const config = loadConfig();
  const location = await locateDatabase(config, resolveFromRoot(config.dataDir), "command");
  const logger = pino({ level: "error" }, createLogOutput(process.stderr));
  const pools = openPools({
    url: location.url,
    directUrl: config.databaseDirectUrl,
    connections: CONNECTIONS_MIN,
    deadline_ms: config.limits.statement_deadline_ms,
  });
  const database = pools.deferrable;
  const deleteInPieces = createDeleteInPieces(database);
  const blobs = await openBlobStore(config.blobs, database);
  const jobs = createServerJobs({
    database,
    deleteInPieces,
    blobs,
    logger,
    session_idle_ms: config.sessionIdleMs,
  });
  const { useAdvisoryLocks } = config;
  const definitions = [
    ...jobs.map(({ job }) => job),
    createSessionDeletionJob(deleteInPieces),
    ...(await createCommandJobs({ ...config, role: "server" }, blobs)),
  ];
  const runner = createJobRunner({
    sql: pools.jobs,
    listenSql: pools.direct,
    jobs: definitions,
    workerMode: "inspect",
    useAdvisoryLocks,
    logger,
  });
  const stop = () => void runner.drain(DRAIN_MS);
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    return await use(runner);
  } finally {
    await runner.drain(DRAIN_MS);
    await pools.close();
    await location.close();
  }
}
