import type { Operations } from "../operation.ts";
import { ingestOperations } from "./ingest.ts";
import { jobOperations } from "./jobs.ts";
import { keyOperations } from "./keys.ts";
import { overviewOperations } from "./overview.ts";
import { queueOperations } from "./queues.ts";
import { remoteOperations } from "./remote.ts";
import { serverOperations } from "./server.ts";
import { sessionOperations } from "./sessions.ts";

/** What is said of every route. */
export const operations: Operations = {
  ...ingestOperations,
  ...sessionOperations,
  ...overviewOperations,
  ...remoteOperations,
  ...jobOperations,
  ...queueOperations,
  ...keyOperations,
  ...serverOperations,
};
