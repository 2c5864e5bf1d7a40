import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@wharf/embedded-postgres";

/** Fast rather than durable: the data is thrown away, and a crash fails the run anyway. */
const SETTINGS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  max_connections: "200",
  shared_buffers: "128MB",
};

export type TestPostgres = { url: string; stop(): Promise<void> };

/** Starts a Postgres with data in a temporary folder; `stop` ends it and removes the data. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const requested = await mkdtemp(join(tmpdir(), "wharf-test-postgres-"));
  const postgres = await startEmbeddedPostgres({ dataDir: requested, settings: SETTINGS });
  return {
    url: postgres.url,
    stop: async () => {
      await postgres.stop();
      await Promise.all(
        [requested, postgres.dataDir].map((dir) => rm(dir, { recursive: true, force: true })),
      );
    },
  };
}
