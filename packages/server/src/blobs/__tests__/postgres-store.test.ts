import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { type Database, openDatabase } from "../../db/database.ts";
import { migratePhases } from "../../db/phases.ts";
import type { BlobStore } from "../blob-store.ts";
import { openBlobStore } from "../open-blob-store.ts";
import { createPostgresBlobStore } from "../postgres-store.ts";
import { describeBlobStore, streamOf } from "./contract.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
let pool: Database;
let store: BlobStore;

beforeAll(() => {
  pool = openDatabase(database.url, { deadlineMs: 10_000, max: 2 });
  store = createPostgresBlobStore(pool);
});
afterAll(() => pool.close());

describeBlobStore("blobs in Postgres", {
  store: () => store,
  count: async () => {
    const [row] = await database.sql<{ complete: number; unfinished: number }[]>`
      SELECT count(hash)::integer AS complete, count(*) FILTER (WHERE hash IS NULL)::integer AS unfinished FROM blobs`;
    return { complete: row?.complete ?? -1, unfinished: row?.unfinished ?? -1 };
  },
  damage: async (hash) => {
    await database.sql`
      UPDATE blob_chunks SET data = set_byte(data, 5000, get_byte(data, 5000) # 1)
      WHERE position = 1 AND blob_id = (SELECT id FROM blobs WHERE hash = ${hash})`;
  },
  age: async (hash) => {
    await database.sql`UPDATE blobs SET written_at = now() - interval '2 hours' WHERE hash = ${hash}`;
  },
});

test("chunks are compressed, and go with their blob", async () => {
  const { hash } = await store.put(streamOf([new Uint8Array(3_000_000).fill(120)]));
  const [stored] = await database.sql`
    SELECT sum(octet_length(data))::integer AS bytes, count(*)::integer AS chunks FROM blob_chunks
    WHERE blob_id = (SELECT id FROM blobs WHERE hash = ${hash})`;
  expect(stored).toMatchObject({ chunks: 3 });
  expect(stored?.["bytes"]).toBeLessThan(10_000);
  await store.delete(hash);
  const left = await database.sql`SELECT FROM blob_chunks WHERE blob_id NOT IN (SELECT id FROM blobs)`;
  expect(left).toHaveLength(0);
});

test("a blob that loses a chunk is read as damaged", async () => {
  const { hash } = await store.put(streamOf([new Uint8Array(3_000_000)]));
  await database.sql`DELETE FROM blob_chunks WHERE position = 2`;
  const stream = await store.get(hash);
  await expect(new Response(stream).arrayBuffer()).rejects.toMatchObject({ code: "STORAGE_BLOB_DAMAGED" });
});

test("a blob that was put before another location was set is read and deleted where it is", async () => {
  const path = await mkdtemp(join(tmpdir(), "wharf-blobs-"));
  const elsewhere = await openBlobStore({ kind: "directory", path }, pool);
  const before = await store.put(streamOf([new Uint8Array(7).fill(1)]));
  const after = await elsewhere.put(streamOf([new Uint8Array(8).fill(2)]));
  for (const { hash, size } of [before, after]) {
    expect(await elsewhere.exists(hash)).toBe(true);
    expect(await new Response(await elsewhere.get(hash)).bytes()).toHaveLength(size);
  }
  expect(await store.exists(after.hash)).toBe(false);
  for (const { hash } of [before, after]) {
    expect(await elsewhere.delete(hash)).toBe(true);
    expect(await elsewhere.get(hash)).toBeUndefined();
  }
  expect(await store.exists(before.hash)).toBe(false);
  await rm(path, { recursive: true });
});
