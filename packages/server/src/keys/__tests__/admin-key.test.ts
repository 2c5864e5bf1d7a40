import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clearRows, useTestDatabase } from "@wharf/testkit";
import { readConfig } from "../../config.ts";
import { openDatabase } from "../../db/database.ts";
import { migratePhases } from "../../db/phases.ts";
import { ensureAdminKey, loadAdminKey } from "../admin-key.ts";
import { hashOf } from "../api-key.ts";

const database = useTestDatabase({ migrate: migratePhases });
let dataDir = "";

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "wharf-admin-key-"));
});
afterEach(async () => {
  await clearRows(database.sql);
  await rm(dataDir, { recursive: true });
});

async function ensure(times: number): Promise<string[]> {
  const shown: string[] = [];
  const pools = Array.from({ length: times }, () =>
    openDatabase(database.url, { max: 1, deadlineMs: 10_000 }),
  );
  const made = await Promise.all(pools.map((pool) => ensureAdminKey(pool, (text) => shown.push(text))));
  expect(made.filter(Boolean)).toHaveLength(shown.length);
  await Promise.all(pools.map((pool) => pool.close()));
  return shown.map((text) => /wharf_admin_[\w-]{43}/.exec(text)?.[0] ?? "");
}

describe("a server without WHARF_ADMIN_KEY", () => {
  test("of eight that start together one makes an admin key, stores its hash, and shows it", async () => {
    const [key, ...others] = await ensure(8);
    expect(others).toEqual([]);
    const rows = await database.sql`SELECT scope, last4, encode(hash, 'base64') AS hash FROM api_keys`;
    expect([...rows]).toEqual([{ scope: "admin", last4: key?.slice(-4), hash: hashOf(key ?? "") }]);
    const audit = await database.sql`SELECT action, actor FROM key_audit`;
    expect([...audit]).toEqual([{ action: "bootstrapped", actor: "first start" }]);
  });

  test("a second start makes no second key", async () => {
    expect(await ensure(1)).toHaveLength(1);
    expect(await ensure(1)).toHaveLength(0);
  });

  test("when the last admin key is revoked or expired, the next start makes another", async () => {
    await ensure(1);
    await database.sql`UPDATE api_keys SET revoked_at = now()`;
    expect(await ensure(1)).toHaveLength(1);
    await database.sql`UPDATE api_keys SET expires_at = now()`;
    expect(await ensure(1)).toHaveLength(1);
  });
});

describe("where the first admin key comes from", () => {
  test("the environment goes before everything", async () => {
    const config = readConfig({ WHARF_ADMIN_KEY: "x".repeat(32) });
    expect(await loadAdminKey(config, dataDir, true)).toEqual({ source: "environment", key: "x".repeat(32) });
  });

  test("is kept in a file readable by its owner only, with an embedded database", async () => {
    const first = await loadAdminKey(readConfig({}), dataDir, true);
    if (first.source !== "file") throw new Error("expected a file");
    expect(first.key).toMatch(/^wharf_admin_[\w-]{43}$/);
    expect((await stat(first.file)).mode & 0o777).toBe(0o600);
    expect(await loadAdminKey(readConfig({}), dataDir, true)).toEqual(first);
  });

  test("a file with a key that a header cannot carry is refused, an empty one is written again", async () => {
    const file = join(dataDir, "admin-key");
    await writeFile(file, "two words\n");
    await expect(loadAdminKey(readConfig({}), dataDir, true)).rejects.toMatchObject({
      code: "CONFIG_ADMIN_KEY_UNREADABLE",
    });
    await writeFile(file, "\n");
    expect(await loadAdminKey(readConfig({}), dataDir, true)).toMatchObject({ source: "file" });
  });

  test("with a database elsewhere it is in that database, also in production", async () => {
    const config = readConfig({ NODE_ENV: "production" });
    expect(await loadAdminKey(config, dataDir, false)).toEqual({ source: "table" });
  });
});
