import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@wharf/embedded-postgres";
import { TEST_TIMEOUT_MS } from "@wharf/testkit";
import { checkDbHealth, closeDb, createDb } from "../postgres.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

async function errorOf(url: string): Promise<string | undefined> {
  const sql = createDb(url, { max: 1 });
  try {
    return (await checkDbHealth(sql)).error;
  } finally {
    await closeDb(sql);
  }
}

test("a database whose files are missing is distinguished from one that does not exist, and blames no setting", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wharf-missing-"));
  const postgres = await startEmbeddedPostgres({ dataDir: folder, settings: { fsync: "off" } });
  try {
    const sql = createDb(postgres.url, { max: 1 });
    const [row] = await sql<{ path: string }[]>`
      SELECT 'base/' || oid AS path FROM pg_database WHERE datname = current_database()`;
    await closeDb(sql);
    const unknown = new URL(postgres.url);
    unknown.pathname = "/never-made";
    expect(await errorOf(unknown.href)).toContain("named in DATABASE_URL does not exist");
    await rename(join(postgres.dataDir, "cluster", row?.path ?? ""), join(folder, "aside"));
    const error = await errorOf(postgres.url);
    expect(error).toContain("files are missing in the Postgres data directory");
    expect(error).not.toContain("DATABASE_URL");
  } finally {
    await postgres.stop();
    for (const path of [folder, postgres.dataDir]) await rm(path, { recursive: true, force: true });
  }
});
