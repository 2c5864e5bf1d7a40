import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { startEmbeddedPostgres } from "../../packages/embedded-postgres/src/index.ts";

export type BenchPostgres = {
  url: string;
  admin: postgres.Sql;
  /** A new database, a copy of `template`; the old one of that name is dropped. Answers with its URL. */
  recreate(name: string, template: string): Promise<string>;
  stop(): Promise<void>;
};

/** Durability as in production; checkpoints far enough apart that none falls into a measurement by chance. */
const SETTINGS = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "1GB",
  max_wal_size: "16GB",
  checkpoint_timeout: "1h",
  max_connections: "100",
  autovacuum: "on",
};

/** A Postgres of the benchmark's own, in a temporary folder that goes with it; or in `keptDir`, which stays. */
export async function startBenchPostgres(keptDir?: string): Promise<BenchPostgres> {
  const dataDir = keptDir ?? (await mkdtemp(join(tmpdir(), "wharf-bench-")));
  const server = await startEmbeddedPostgres({ dataDir, settings: SETTINGS });
  const admin = postgres(server.url, { max: 2, onnotice: () => undefined });

  async function recreate(name: string, template: string): Promise<string> {
    await admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await admin.unsafe(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    await admin.unsafe("CHECKPOINT");
    return databaseUrl(server.url, name);
  }

  async function stop(): Promise<void> {
    await admin.end({ timeout: 5 });
    await server.stop();
    if (keptDir !== undefined) return;
    await rm(server.dataDir, { recursive: true, force: true });
    await rm(dataDir, { recursive: true, force: true });
  }

  return { url: server.url, admin, recreate, stop };
}

export function databaseUrl(url: string, database: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${database}`;
  return parsed.href;
}
