import postgres from "postgres";
import { writeEvents } from "../read/events.ts";
import { deviceId, planEvents, type Size, workspaceId, writeNotes, writeParents } from "../read/rows.ts";
import { progress } from "../report.ts";

const EVENTS_A_STATEMENT = 250_000;

/**
 * Fills a migrated database of a year by SQL alone, with what lists and plots of the dashboard read. Unlike the one of bench:read, its sessions
 * and git activity are not projected from the events, which takes many times as long.
 */
export async function fillHub(url: string, size: Size): Promise<void> {
  const startedAt_ms = performance.now();
  const sql = postgres(url, {
    max: 1,
    onnotice: () => undefined,
    connection: { session_replication_role: "replica" },
  });
  const step = async (name: string, work: PromiseLike<unknown>) => {
    await work;
    progress(`${name} after ${Math.round((performance.now() - startedAt_ms) / 1000)} s`);
  };
  await sql`ALTER SYSTEM SET max_wal_size = '1GB'`;
  await sql`ALTER SYSTEM SET fsync = off`;
  await sql`SELECT pg_reload_conf()`;
  await step("parents", writeParents(sql));
  const events = await planEvents(sql, size);
  await step(
    `${events} events`,
    withoutIndexes(sql, "events", () => writeAllEvents(sql, events)),
  );
  await step("sessions", writeSessions(sql));
  await step(
    "git activity",
    withoutIndexes(sql, "git_activity", () => writeGitActivity(sql)),
  );
  await step(
    "usage",
    withoutIndexes(sql, "usage_slots", () => writeUsage(sql)),
  );
  await step("transcripts", writeTranscripts(sql));
  await step("counts", countEvents(sql));
  await writeNotes(sql);
  await sql`DROP TABLE bench_events, bench_sessions`;
  await step("vacuum", sql`VACUUM (ANALYZE, FREEZE)`);
  await sql`CHECKPOINT`;
  await sql.end();
}

/** Indexes of all rows at once are built in a fraction of the time. */
async function withoutIndexes(sql: postgres.Sql, table: string, work: () => Promise<void>): Promise<void> {
  const indexes = await sql<{ name: string; definition: string }[]>`
    SELECT indexname AS name, indexdef AS definition FROM pg_indexes WHERE tablename = ${table} AND indexname NOT LIKE '%_pkey'`;
  for (const { name } of indexes) await sql`DROP INDEX ${sql(name)}`;
  await work();
  for (const { definition } of indexes) await sql.unsafe(definition);
}

async function writeAllEvents(sql: postgres.Sql, events: number): Promise<void> {
  for (let first = 1; first <= events; first += EVENTS_A_STATEMENT)
    await writeEvents(sql, first, Math.min(events, first + EVENTS_A_STATEMENT - 1));
}

async function writeSessions(sql: postgres.Sql): Promise<void> {
  await sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at, ended_at, lifecycle, parse_status, agent, model, title, initial_prompt,
      tags, total_messages, user_messages, tool_use_count, tokens_in, tokens_out, cost_estimate_usd, duration_ms, last_heard_at, live_state)
    SELECT id, ${workspaceId(sql, "workspace")}, ${deviceId(sql, "device")}, started_at, CASE WHEN NOT is_open THEN ended_at END,
      CASE WHEN is_open THEN 'capturing' ELSE 'summarized' END, 'completed',
      CASE WHEN n % 4 = 0 THEN 'codex' ELSE 'claude-code' END, 'claude-opus-5', 'Session ' || n, repeat('fix the parser ', 15),
      CASE WHEN n % 10 < 3 THEN '{common}' ELSE '{}' END::text[], event_count, event_count / 4, event_count / 3, event_count * 900,
      event_count * 300, event_count * 0.0042, extract(epoch FROM ended_at - started_at) * 1000, CASE WHEN is_open THEN now() ELSE ended_at END,
      CASE WHEN is_open THEN 'working' END
    FROM bench_sessions ORDER BY n`;
  await sql`DELETE FROM search_queue`;
  await sql`
    INSERT INTO workspace_devices (workspace_id, device_id, local_path)
    SELECT DISTINCT workspace_id, device_id, '/home/jane' FROM sessions
    ON CONFLICT DO NOTHING`;
}

async function writeGitActivity(sql: postgres.Sql): Promise<void> {
  await sql`
    INSERT INTO git_activity (id, workspace_id, device_id, session_id, type, branch, commit_sha, message, files_changed, insertions, deletions,
      timestamp, matched_to)
    SELECT id, workspace_id, device_id, session_id, substr(type, 5), data ->> 'branch', data ->> 'hash', data ->> 'message', 3, 40, 20,
      timestamp, coalesce(session_id, '')
    FROM events WHERE type LIKE 'git.%'`;
  await sql`DELETE FROM search_queue`;
  await sql`
    INSERT INTO git_matches (git_activity_id, session_id, grade, why, timestamp)
    SELECT id, session_id, 'exact', 'event', timestamp FROM git_activity WHERE session_id IS NOT NULL`;
}

/** Responses of one model, and in every fourth quarter of an hour of another one. */
async function writeUsage(sql: postgres.Sql): Promise<void> {
  await sql`
    INSERT INTO usage_slots
    SELECT id, CASE WHEN n % 4 = 0 THEN 'codex' ELSE 'claude-code' END, model, slot, 6, 0, 0, 900, 3000, 200000, 9000, 0, 0, 0, 0.42
    FROM bench_sessions, generate_series(date_bin('15 minutes', started_at, 'epoch'), ended_at, '15 minutes') slot,
      LATERAL (VALUES ('model-' || n % 6), (CASE WHEN n % 4 = 0 THEN 'model-small' END)) AS models (model)
    WHERE model IS NOT NULL`;
}

/** A file of each session, of three segments. */
async function writeTranscripts(sql: postgres.Sql): Promise<void> {
  await sql`
    INSERT INTO transcript_files (session_id, agent, device_id, file, kind, held_bytes)
    SELECT id, 'claude-code', ${deviceId(sql, "device")}, id || '.jsonl', 'main', event_count * 700 FROM bench_sessions`;
  // It would set held_bytes, row by row.
  await sql`ALTER TABLE transcript_generations DISABLE TRIGGER transcript_generations_held`;
  await sql`
    INSERT INTO transcript_generations (file_id, generation, session_id, source_bytes, stored_bytes, parsed_bytes)
    SELECT id, 1, session_id, held_bytes, held_bytes, held_bytes FROM transcript_files`;
  await sql`ALTER TABLE transcript_generations ENABLE ALWAYS TRIGGER transcript_generations_held`;
  await sql`
    INSERT INTO blobs (hash, size_bytes, chunk_count)
    SELECT encode(sha256((id || ' ' || part)::bytea), 'hex'), 9000, 1 FROM transcript_files, generate_series(1, 3) part`;
}

async function countEvents(sql: postgres.Sql): Promise<void> {
  await sql`
    INSERT INTO event_slots (workspace_id, device_id, slot, events)
    SELECT coalesce(workspace_id, ''), coalesce(device_id, ''), slot, sum(events)
    FROM (
      SELECT workspace_id, device_id, date_bin('15 minutes', timestamp, 'epoch') AS slot, count(*) AS events FROM events GROUP BY 1, 2, 3
    ) pairs
    GROUP BY slot, CUBE (workspace_id, device_id)`;
}
