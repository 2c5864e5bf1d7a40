import type postgres from "postgres";
import { FIRST_PAGE_ITEMS } from "./cases.ts";

/**
 * Twenty workspaces hold four fifths of the sessions, on every device, of which fifty are busy; each of the others lies on one
 * or two devices.
 */
const WORKSPACES = 2_000;
const BUSY_WORKSPACES = 20;
const DEVICES = 200;
const BUSY_DEVICES = 50;
const DAYS = 365;
/** The newest sessions are still open. */
const OPEN_SESSIONS = 300;
const REMOTE_ENVS = 2_000;
const BLUEPRINTS = 1_500;
const KEYS = 1_500;
const NOTES = 50_000;

const TEXT =
  "fix auth middleware refresh token race when the session cookie is rotated during concurrent requests ";

export type Size = { sessions: number; events: number };

/** A text of about `characters`, another one for each row. */
export const words = (sql: postgres.Sql, position: string, characters: number) =>
  sql`substr(repeat(${TEXT}, 8), 1 + (${sql.unsafe(position)} * 37 % 200)::int, ${characters}::int)`;

export const workspaceId = (sql: postgres.Sql, number: string) =>
  sql`'01JWKSP' || lpad((${sql.unsafe(number)})::text, 19, '0')`;

export const deviceId = (sql: postgres.Sql, number: string) =>
  sql`'device-' || lpad((${sql.unsafe(number)})::text, 3, '0')`;

/** Everything that sessions and events refer to, and the lists that are kept by hand. */
export async function writeParents(sql: postgres.Sql): Promise<void> {
  await sql`
    INSERT INTO workspaces (id, canonical_id, display_name, default_branch, metadata, first_seen_at)
    SELECT ${workspaceId(sql, "n")}, 'github.com/acme/repository-' || n, 'repository-' || n, 'main',
      '{"languages": ["TypeScript", "SQL"]}', now() - interval '1 day' * ${DAYS}
    FROM generate_series(0, ${WORKSPACES - 1}) AS n`;
  await sql`
    INSERT INTO devices (id, name, type, hostname, os, arch, metadata, first_seen_at)
    SELECT ${deviceId(sql, "n")}, 'machine ' || n, CASE WHEN n % 5 = 0 THEN 'remote' ELSE 'local' END, 'host-' || n,
      'linux', 'x64', '{"cc_version": "2.1.33"}', now() - interval '1 day' * ${DAYS} + interval '1 hour' * n
    FROM generate_series(0, ${DEVICES - 1}) AS n`;
  await sql`
    INSERT INTO remote_envs (id, workspace_id, device_id, status, instance_id, instance_type, region, blueprint, provisioned_at)
    SELECT '01JRENV' || lpad(n::text, 19, '0'), ${workspaceId(sql, `n % ${BUSY_WORKSPACES}`)}, ${deviceId(sql, `n % ${DEVICES}`)},
      CASE WHEN n % 20 = 0 THEN 'active' ELSE 'terminated' END, 'i-' || n, 'small', 'eu-central', '{"memory_gb": 8}',
      now() - interval '1 hour' * n
    FROM generate_series(1, ${REMOTE_ENVS}) AS n`;
  await sql`
    INSERT INTO blueprints (id, workspace_id, name, source, config, created_at)
    SELECT '01JBPRN' || lpad(n::text, 19, '0'), ${workspaceId(sql, `n % ${WORKSPACES}`)}, 'machine ' || n, 'manual',
      '{"memory_gb": 8}', now() - interval '1 hour' * n
    FROM generate_series(1, ${BLUEPRINTS}) AS n`;
  await sql`
    INSERT INTO api_keys (id, hash, scope, name, last4, created_at)
    SELECT '01JKEYS' || lpad(n::text, 19, '0'), sha256(n::text::bytea), 'read', 'key ' || n, 'abcd', now() - interval '1 hour' * n
    FROM generate_series(1, ${KEYS}) AS n`;
}

/**
 * `bench_sessions`: of each session its place, its time and how many events it has: a few have thousands, most a few dozen.
 * `bench_events`: every event to be written, numbered in the order in which they happened.
 */
export async function planEvents(sql: postgres.Sql, { sessions, events }: Size): Promise<number> {
  await sql`SELECT setseed(0.42)`;
  await sql`
    CREATE UNLOGGED TABLE bench_sessions AS
    SELECT n, md5(n::text)::uuid::text AS id, started_at, started_at + minutes * interval '1 minute' AS ended_at,
      n >= ${sessions} - ${OPEN_SESSIONS}::int AS is_open,
      greatest(3, round(weight / sum(weight) OVER () * ${events}))::int AS event_count,
      CASE WHEN w0 < 0.8 THEN floor(${BUSY_WORKSPACES} * w1 * w1) ELSE ${BUSY_WORKSPACES} + floor(${WORKSPACES - BUSY_WORKSPACES} * w1) END::int AS workspace,
      CASE WHEN w0 >= 0.8 THEN (floor(${WORKSPACES} * w1) * 7 + floor(2 * d0))::int % ${DEVICES}
        WHEN d0 < 0.9 THEN floor(${BUSY_DEVICES} * d1 ^ 1.5)
        ELSE ${BUSY_DEVICES} + floor(${DEVICES - BUSY_DEVICES} * d1) END::int AS device
    FROM (
      SELECT n, now() - (1 - n::float8 / ${sessions}) * ${DAYS} * interval '1 day' - interval '1 hour' AS started_at,
        1 - 45 * ln(1 - random()) AS minutes, exp(1.4 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS weight,
        random() AS w0, random() AS w1, random() AS d0, random() AS d1
      FROM generate_series(0, ${sessions - 1}) AS n OFFSET 0
    ) AS drawn`;
  await refuseTooFewEvents(sql);
  // One event in fifty is git activity outside a session, one in twelve git activity within one.
  await sql`
    CREATE UNLOGGED TABLE bench_events AS
    SELECT row_number() OVER (ORDER BY at, session) AS n, session, workspace, device, at, type
    FROM (
      SELECT n AS session, workspace, device,
        started_at + (ended_at - started_at) * ((i - 1)::float8 / event_count) AS at,
        CASE WHEN i = 1 THEN 'session.start' WHEN i = event_count AND NOT is_open THEN 'session.end'
          WHEN i % 12 = 0 THEN CASE i % 5 WHEN 0 THEN 'git.push' WHEN 1 THEN 'git.checkout' ELSE 'git.commit' END
          WHEN i % 97 = 0 THEN 'subagent.start' WHEN i % 97 = 2 THEN 'skill.invoke' ELSE 'tool.use' END AS type
      FROM bench_sessions CROSS JOIN generate_series(1, event_count) AS i
      UNION ALL
      SELECT NULL, floor(${BUSY_WORKSPACES} * random() ^ 2)::int, floor(${BUSY_DEVICES} * random() ^ 1.5)::int,
        now() - random() * ${DAYS} * interval '1 day', CASE WHEN n % 6 = 0 THEN 'git.push' ELSE 'git.commit' END
      FROM generate_series(1, ${Math.floor(events / 50)}) AS n
    ) AS planned`;
  await sql`CREATE INDEX ON bench_events (n)`;
  await sql`CREATE INDEX ON bench_sessions (n)`;
  await sql`ANALYZE bench_events, bench_sessions`;
  const [row] = await sql<{ count: number }[]>`SELECT count(*)::int AS count FROM bench_events`;
  return row?.count ?? 0;
}

/** Before anything is generated: the largest session must have a second page of events. */
async function refuseTooFewEvents(sql: postgres.Sql): Promise<void> {
  const [row] = await sql<{ largest: number }[]>`SELECT max(event_count) AS largest FROM bench_sessions`;
  const largest = row?.largest ?? 0;
  if (largest > FIRST_PAGE_ITEMS) return;
  throw new Error(
    `too small to measure: the largest session would have ${largest} events, and has to have more than ${FIRST_PAGE_ITEMS}. Set more --events, or fewer --sessions.`,
  );
}

/** The sessions as a flush leaves them, before their events are projected. */
export async function writeStubSessions(sql: postgres.Sql): Promise<void> {
  await sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at)
    SELECT id, ${workspaceId(sql, "workspace")}, ${deviceId(sql, "device")}, started_at FROM bench_sessions ORDER BY id`;
}

/** What parsing and summarizing make of sessions that have ended; and tags, which people set. */
export async function finishSessions(sql: postgres.Sql): Promise<void> {
  await sql`
    UPDATE sessions s SET
      tags = CASE WHEN b.n % 10 < 3 THEN '{common}' WHEN b.n % 10 < 5 THEN ARRAY['tag-' || b.n % 50, 'review']
        WHEN b.n % 5000 = 9 THEN '{rare}' ELSE '{}' END::text[],
      initial_prompt = ${words(sql, "b.n", 280)},
      last_heard_at = least(now(), b.ended_at), created_at = b.started_at, updated_at = b.ended_at
    FROM bench_sessions b WHERE b.id = s.id`;
  await sql`
    UPDATE sessions s SET
      lifecycle = CASE WHEN b.n % 100 < 2 THEN 'failed' WHEN b.n % 100 < 30 THEN 'parsed' WHEN b.n % 100 < 80 THEN 'summarized' ELSE 'archived' END,
      parse_status = CASE WHEN b.n % 100 < 2 THEN 'failed' ELSE 'completed' END,
      transcript_s3_key = 'transcripts/' || s.id || '.jsonl', summary = ${words(sql, "b.n", 400)},
      total_messages = b.event_count, user_messages = b.event_count / 4, assistant_messages = b.event_count / 2,
      tool_use_count = b.event_count / 3, thinking_blocks = b.event_count / 9, subagent_count = b.event_count / 97,
      tokens_in = b.event_count * 900, tokens_out = b.event_count * 300, cache_read_tokens = b.event_count * 9000,
      cache_write_tokens = b.event_count * 700, cost_estimate_usd = b.event_count * 0.0042
    FROM bench_sessions b WHERE b.id = s.id AND s.lifecycle = 'ended' AND b.n % 10 <> 7`;
}

export async function writeNotes(sql: postgres.Sql): Promise<void> {
  await sql`
    INSERT INTO ingest_notes (event_id, device_id, kind, detail, body, created_at)
    SELECT NULL, ${deviceId(sql, `n % ${BUSY_DEVICES}`)}, CASE WHEN n % 3 = 0 THEN 'clock_ahead' ELSE 'rejected' END,
      CASE WHEN n % 3 = 0 THEN 'by 26 hours' ELSE '/timestamp: must be ISO-8601' END, '{"type":"tool.use"}',
      now() - (1 - n::float8 / ${NOTES}) * interval '3 days'
    FROM generate_series(1, ${NOTES}) AS n`;
}
