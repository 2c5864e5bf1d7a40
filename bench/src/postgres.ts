import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../../packages/embedded-postgres/src/index.ts";

/** A Postgres of the benchmark's own, durable as in production: fsync and synchronous_commit on. */
export async function startBenchPostgres(database: string) {
  const dataDir = await mkdtemp(join(tmpdir(), "wharf-bench-"));
  const settings = { fsync: "on", synchronous_commit: "on", full_page_writes: "on" };
  const postgres = await startEmbeddedPostgres({ dataDir, database, settings });
  async function stop() {
    await postgres.stop();
    await rm(postgres.dataDir, { recursive: true, force: true });
    await rm(dataDir, { recursive: true, force: true });
  }
  return { url: postgres.url, version: postgres.version, stop };
}
