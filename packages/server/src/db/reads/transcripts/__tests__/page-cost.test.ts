import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { one } from "@wharf/job-runner";
import { TRANSCRIPT_DENSITIES } from "@wharf/protocol";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { addFile } from "../../../../transcripts/__tests__/add-messages.ts";
import { openDatabase } from "../../../database.ts";
import { migratePhases } from "../../../phases.ts";
import { messagesOfPage } from "../density.ts";
import type { PageStart } from "../message-order.ts";
import { listMessages } from "../messages.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const MESSAGES = 20_000;
const TURN = 1_000;
const LIMIT = 51;
const RESPONSES = 2_000;
/** Of 8 KiB. The table has 30 times as many. */
const BLOCKS_READ_MAX = 250;

beforeAll(async () => {
  const { sql } = database;
  const file_id = await addFile(sql, { session_id: "s" });
  await sql`
    INSERT INTO transcript_messages (id, session_id, file_id, generation, line_number, ordinal, message_type, kind, timestamp, sorted_at,
      has_text, has_tool_use, metadata)
    SELECT md5(n::text), 's', ${file_id}::bigint, 1, n, n, 'user',
      CASE WHEN n % ${TURN} = 1 THEN 'prompt' WHEN n % 2 = 0 THEN 'assistant' ELSE 'tool_result' END,
      at, at, n % ${TURN} = 0, n % 2 = 0, jsonb_build_object('padding', repeat(md5(n::text), 80))
    FROM generate_series(1, ${MESSAGES}) n, LATERAL (SELECT timestamptz '2025-03-14Z' + n * interval '1 second') t (at)`;
  await sql`ANALYZE`;
});

type Plan = { "Shared Hit Blocks": number; "Shared Read Blocks": number };

async function starts(): Promise<(PageStart | null)[]> {
  const rows = await database.sql<{ sorted_at: string; ordinal: number; id: string }[]>`
    SELECT sorted_at::text, ordinal, id FROM transcript_messages WHERE ordinal IN (${MESSAGES / 2}, ${MESSAGES - 3})`;
  const directions = ["after", "before", "at"] as const;
  return [null, ...rows.flatMap((place) => directions.map((direction) => ({ place, direction })))];
}

for (const density of TRANSCRIPT_DENSITIES) {
  test(`a page at the density ${density} reads a small part of a long transcript, at any place`, async () => {
    const pool = openDatabase(database.url, { deadlineMs: TEST_TIMEOUT_MS, max: 1, wireTypes: true });
    for (const start of await starts()) {
      const [{ Plan: plan }] = await pool.run(async (sql) => {
        const page = messagesOfPage(sql, density, { session_id: "s", subagent_id: null }, start, LIMIT);
        const rows = await sql<
          { "QUERY PLAN": [{ Plan: Plan }] }[]
        >`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${page}`;
        return one(rows)["QUERY PLAN"];
      });
      const blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
      expect([start, blocks < BLOCKS_READ_MAX ? "few" : blocks]).toEqual([start, "few"]);
    }
    await pool.close();
  });
}

test("a page of short messages has all that fit, and reads the responses of its own messages alone", async () => {
  const { sql } = database;
  await sql`UPDATE transcript_messages SET response_key = id WHERE ordinal <= ${RESPONSES}`;
  await sql`
    INSERT INTO content_blocks (id, message_id, session_id, block_order, block_type, content_text)
    SELECT id || '-' || n, id, 's', n, 'text', 'short' FROM transcript_messages, generate_series(1, 2) n WHERE ordinal <= ${LIMIT}`;
  // Unknown to the planner, as those of a session that was parsed just now.
  await sql`ALTER TABLE model_responses SET (autovacuum_enabled = off)`;
  await sql`INSERT INTO sessions (id, workspace_id, device_id, started_at) SELECT n::text, 'w', 'laptop', now() FROM generate_series(1, 500) n`;
  await sql`
    INSERT INTO model_responses (agent, response_key, session_id, file, is_lower_bound)
    SELECT 'claude-code', n, n, 'main.jsonl', false FROM generate_series(1, 500) n`;
  await sql`ANALYZE model_responses`;
  await sql`
    INSERT INTO model_responses (agent, response_key, session_id, file, is_lower_bound)
    SELECT 'claude-code', id, 's', 'main.jsonl', false FROM transcript_messages WHERE ordinal <= ${RESPONSES}`;
  const scope = { session_id: "s", subagent_id: null };
  const pool = openDatabase(database.url, { deadlineMs: TEST_TIMEOUT_MS, max: 1, wireTypes: true });
  const rowsRead = async () => {
    await pool.run((conn) => conn`SELECT pg_stat_force_next_flush()`);
    const [counted] = await pool.run(
      (conn) => conn<{ rows: number }[]>`
        SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS rows FROM pg_stat_user_tables WHERE relname = 'model_responses'`,
    );
    return counted?.rows ?? 0;
  };
  const before = await rowsRead();
  const page = await pool.run((conn) =>
    listMessages(conn, { density: "full", scope, start: null, limit: LIMIT }),
  );
  const read = (await rowsRead()) - before;
  await pool.close();
  expect(page).toHaveLength(LIMIT);
  expect(page.at(0)).toMatchObject({ response_key: expect.any(String), is_lower_bound: false });
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThanOrEqual(2 * LIMIT);
});
