import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import type { BlobStore } from "../../blobs/blob-store.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { type Database, openDatabase } from "../../db/database.ts";
import { migratePhases } from "../../db/phases.ts";
import type { FileGeneration } from "../../db/transcripts/segments.ts";
import { readStored } from "../read-stored.ts";
import { storeFile } from "./store-file.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
let pool: Database;
let blobs: BlobStore;

beforeAll(() => {
  pool = openDatabase(database.url, { deadlineMs: 10_000, max: 2 });
  blobs = createPostgresBlobStore(pool);
});
afterAll(() => pool.close());

async function textFrom(place: FileGeneration, from?: number): Promise<string> {
  let text = "";
  for await (const bytes of readStored({ database: pool, blobs }, place, from))
    text += new TextDecoder().decode(bytes);
  return text;
}

test("a generation is read segment by segment, from any byte", async () => {
  const parts = ["one\n", "two\nthree\n", "four\n"];
  const place = await storeFile(database.sql, blobs, { session_id: "s-1", agent: "codex", parts });
  const whole = parts.join("");
  for (let from = 0; from <= whole.length; from++)
    expect(await textFrom(place, from)).toBe(whole.slice(from));
  expect(await textFrom({ ...place, generation: 2 })).toBe("");
});

test("a segment whose blob is missing is damaged", async () => {
  const place = await storeFile(database.sql, blobs, {
    session_id: "s-2",
    agent: "codex",
    parts: ["lost\n"],
  });
  await database.sql`DELETE FROM blobs WHERE hash = (SELECT blob_hash FROM transcript_segments WHERE session_id = 's-2')`;
  await expect(textFrom(place)).rejects.toThrow("A stored blob is not what was put");
});
