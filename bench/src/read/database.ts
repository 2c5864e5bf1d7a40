import postgres from "postgres";
import { migratePhases } from "../../../packages/server/src/db/phases.ts";
import { type BenchPostgres, databaseUrl } from "../postgres.ts";
import { progress } from "../report.ts";
import { generate } from "./generate.ts";
import type { Size } from "./rows.ts";

const DATABASE = "bench_read";

export type Filled = Size & { database: string };

/** A migrated and filled database: the one of a run before that was kept, else a new one. */
export async function prepareDatabase(bench: BenchPostgres, size: Size): Promise<Filled> {
  const url = databaseUrl(bench.url, DATABASE);
  const kept =
    await bench.admin`SELECT 1 FROM pg_database WHERE datname = ${DATABASE} AND datconnlimit = 100`;
  if (kept.length === 0) {
    const startedAt = performance.now();
    await bench.recreate(DATABASE, "template0");
    await migrate(url);
    await generate(url, size);
    // Marks it as whole: a run that was broken off left less.
    await bench.admin.unsafe(`ALTER DATABASE ${DATABASE} CONNECTION LIMIT 100`);
    progress(`generated in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  }
  return { database: DATABASE, ...(await countRows(url)) };
}

async function migrate(url: string): Promise<void> {
  const sql = postgres(url, { max: 2, onnotice: () => undefined });
  await migratePhases(sql);
  await sql.end();
}

async function countRows(url: string): Promise<Size> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql<Size[]>`
    SELECT (SELECT count(*)::int FROM sessions) AS sessions, (SELECT count(*)::int FROM events) AS events`;
  await sql.end();
  if (row === undefined) throw new Error("the count returned no row");
  return row;
}
