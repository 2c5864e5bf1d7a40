import type { TestDatabase } from "@wharf/testkit";
import { ingest, sessionStart } from "../../../__tests__/events.ts";
import type { TestServer } from "../../../__tests__/setup-app.ts";
import { seedExamples } from "../../../openapi/__tests__/seed-examples.ts";
import { LEFT_OUT } from "../catalog.ts";

/** What a text format has to escape, what is easily taken for NULL, and what is longer than a packet. */
const ODD_TEXTS = ["a\tb\nc\\d\r", "\\N", "NULL", "", '{"a","b"}', "é 😀 \u2028", "\\.", "x".repeat(100_000)];

/** At least one row in every table that has rows of its own, through the app where it writes them. */
export async function seedEveryTable(server: TestServer): Promise<void> {
  const { sql } = server;
  await seedExamples(server);
  await ingest(
    server,
    ODD_TEXTS.map((text, index) =>
      sessionStart(`odd-${index}`, {
        data: { cwd: `/home/${text}`, git_branch: text, nested: { text, none: null } },
      }),
    ),
  );
  await server.request("POST", "/api/devices/enrolment-codes");
  await server.request("POST", "/api/sessions", {
    id: "reported",
    workspace_canonical_id: "github.com/acme/widgets",
    device_id: "laptop",
    started_at: "2026-03-01T10:00:00Z",
    metadata: { text: ODD_TEXTS[0] },
  });
  const [session] = await sql<{ id: string }[]>`SELECT id FROM sessions ORDER BY id LIMIT 1`;
  const id = session?.id ?? "";
  await sql`INSERT INTO transcript_messages (id, session_id, line_number, ordinal, message_type)
    VALUES ('m1', ${id}, 1, 1, 'user')`;
  await sql`INSERT INTO content_blocks (id, message_id, session_id, block_order, block_type, content_text, tool_input)
    VALUES ('b1', 'm1', ${id}, 0, 'text', ${ODD_TEXTS[0] ?? ""}, 'null'::jsonb)`;
  await sql`INSERT INTO teams (id, session_id, team_name) VALUES ('t1', ${id}, 'reviewers')`;
  await sql`INSERT INTO teammates (id, team_id, session_id, entity_name) VALUES ('t2', 't1', ${id}, 'Ada')`;
  await sql`INSERT INTO session_skills (id, session_id, skill_name, invoked_at) VALUES ('k1', ${id}, 'review', '-infinity')`;
  await sql`INSERT INTO session_worktrees (id, session_id, created_at) VALUES ('w1', ${id}, 'infinity')`;
  await seedTranscriptTables(sql);
  await sql`INSERT INTO session_tombstones (session_id) VALUES ('gone')`;
  await sql`INSERT INTO git_totals (workspace_id, type, count) VALUES ('w', 'commit', 9007199254740993)`;
  await sql`INSERT INTO event_slots (workspace_id, device_id, slot, events) VALUES ('', '', '2026-03-01T00:15:00Z', 9007199254740993)`;
  await sql`INSERT INTO event_recounts (device_id) VALUES ('desk')`;
  await sql`INSERT INTO projection_queue (event_ids, last_error, next_retry_at) VALUES (${["a", 'b"c\\', ""]}, ${ODD_TEXTS[0] ?? ""}, 'infinity')`;
  await sql`INSERT INTO pending_projections (event_ids) VALUES (${["a", 'b"c\\', ""]}), ('{}')`;
  await sql`INSERT INTO projection_retries (event_id, last_error) SELECT id, 'busy' FROM events LIMIT 1`;
  await sql`INSERT INTO job_concurrency_locks (concurrency_key, slot, job_id) VALUES ('key', 0, 7000000003)`;
  await sql`INSERT INTO job_events (created_at, name, key, payload) VALUES (now(), 'paid', '1', 'null'::jsonb)`;
  await sql`INSERT INTO job_idempotency_keys (queue, idempotency_key, job_id) VALUES ('q', 'k', 7000000002)`;
  await sql`INSERT INTO job_queue_pauses (queue, reason) VALUES ('q', ${ODD_TEXTS[1] ?? ""})`;
  await sql`INSERT INTO job_schedules (name, cron, time_zone, next_at, updated_at) VALUES ('s', '* * * * *', 'UTC', now(), now())`;
  await sql`
    INSERT INTO jobs_archive (id, queue, type, payload, priority, attempts, max_attempts, recoveries, lease_generation,
      concurrency_limit, created_at, completed_at)
    SELECT n, 'q', 't', '{}', 0, 1, 3, 0, 1, 1, now(), now() - n * interval '1 day' FROM generate_series(0, 40) n`;
  await sql`INSERT INTO blobs (hash, size_bytes, chunk_count) VALUES (repeat('a', 64), 3, 1)`;
  await sql`INSERT INTO blob_chunks (blob_id, position, data) SELECT id, 0, '\\x00ff5c0a09' FROM blobs WHERE hash = repeat('a', 64)`;
}

/** Of what transcripts say, the tables that the examples leave empty; all of one file. */
async function seedTranscriptTables(sql: TestServer["sql"]): Promise<void> {
  const file = sql`SELECT id, session_id FROM transcript_files ORDER BY id LIMIT 1`;
  await sql`INSERT INTO derivations_due (session_id) SELECT session_id FROM (${file}) f`;
  await sql`
    INSERT INTO hidden_messages (message_id, file_id, generation, session_id, reading)
    SELECT 'm1', id, 1, session_id, 1 FROM (${file}) f`;
  await sql`
    INSERT INTO response_sightings (agent, response_key, file_id, session_id, is_lower_bound, is_copy, is_sidechain)
    SELECT 'codex', ${ODD_TEXTS[0] ?? ""}, id, session_id, false, false, false FROM (${file}) f`;
  await sql`INSERT INTO session_summaries (session_id, source) SELECT session_id, 'plain' FROM (${file}) f`;
  await sql`
    INSERT INTO transcript_facts (file_id, generation, line, position, session_id, fact, data)
    SELECT id, 1, 1, 0, session_id, 'title', jsonb_build_object('text', ${ODD_TEXTS[4] ?? ""}::text) FROM (${file}) f`;
  await sql`INSERT INTO transcript_turns (session_id, turn_id) SELECT session_id, 't' FROM (${file}) f`;
  await sql`INSERT INTO workspace_retention (workspace_id, raw_days) SELECT id, 30 FROM workspaces LIMIT 1`;
}

type Contents = Record<string, unknown[]>;

/** Every row of every table, by Postgres' own JSON and not by the code under test. */
export async function contentsOf({ sql }: Pick<TestDatabase, "sql">): Promise<Contents> {
  const tables = await sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
      AND NOT relispartition AND relname <> ALL (${[...LEFT_OUT]}) ORDER BY 1`;
  const contents: Contents = {};
  for (const { name } of tables) {
    const rows = await sql.unsafe<{ row: string }[]>(
      `SELECT to_jsonb(t)::text AS row FROM ${name} t ORDER BY 1`,
    );
    contents[name] = rows.map(({ row }) => row);
  }
  return contents;
}
