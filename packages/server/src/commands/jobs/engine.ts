import type { JobRunner } from "@wharf/job-runner";
import pino from "pino";
import { openBlobStore } from "../../blobs/open-blob-store.ts";
import { locateDatabase } from "../../db/embedded.ts";
import { CONNECTIONS_AMPLE } from "../../db/pool-sizes.ts";
import { openPools } from "../../db/pools.ts";
import { loadConfig, resolveFromRoot } from "../../environment.ts";
import { createEngine } from "../../jobs/create-engine.ts";
import { createJobChanges } from "../../jobs/job-changes.ts";
import { noteOperations } from "../../jobs/note-operations.ts";
import { createLogOutput } from "../../log-output.ts";
import { createRedaction } from "../../redaction/create-redaction.ts";

const DRAIN_MS = 3_000;

export type Engine = JobRunner;

/** The job engine on the server's database, which claims no jobs. A signal releases running jobs. */
export async function withEngine<T>(use: (engine: Engine) => Promise<T>): Promise<T> {
  const config = loadConfig();
  const location = await locateDatabase(config, resolveFromRoot(config.dataDir), "command");
  const logger = pino({ level: "error" }, createLogOutput(process.stderr));
  const pools = openPools({
    url: location.url,
    directUrl: config.databaseDirectUrl,
    findPooler: location.findPooler,
    connections: CONNECTIONS_AMPLE,
    deadlineMs: config.limits.statement_deadline_ms,
  });
  const changes = createJobChanges(pools.deferrable);
  const { runner } = await createEngine({
    config: { ...config, role: "server", workerMode: "inspect" },
    pools,
    blobs: await openBlobStore(config.blobs, pools.deferrable),
    logger,
    redaction: createRedaction(pools.edits),
    onJobChanged: changes.note,
  });
  const stop = () => void runner.drain(DRAIN_MS);
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    return await use({ ...runner, ...noteOperations(runner, changes) });
  } finally {
    await runner.drain(DRAIN_MS);
    await changes.close();
    await pools.close();
    await location.close();
  }
}
