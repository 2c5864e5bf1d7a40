import { readdir } from "node:fs/promises";
import { migratePhases, PHASES } from "../../db/phases.ts";
import type { Sql } from "../../db/postgres.ts";

/** The schema of the code before has the migrations below this number. */
const FIRST_NUMBER_SINCE = 200;
const SESSION_EVENTS = 200;
const DEVICES = 6;
const WORKSPACES = 20;

/** Answers what makes a database of the code before with so many events, in sessions of SESSION_EVENTS, projected, and a commit in each. */
export function fillBefore(events: number): (sql: Sql) => Promise<void> {
  return async (sql) => {
    const names = (await Promise.all(PHASES.map(({ dir }) => readdir(dir)))).flat();
    const only = new Set(names.filter((name) => Number.parseInt(name, 10) < FIRST_NUMBER_SINCE));
    await migratePhases(sql, { only });
    const sessions = Math.ceil(events / SESSION_EVENTS);
    // One text, so that all of it runs on one connection; without checks for each row.
    await sql.unsafe(`
      SET session_replication_role = replica;
      INSERT INTO workspaces (id, canonical_id, display_name)
      SELECT 'W' || n, 'github.com/acme/filled-' || n, 'filled-' || n FROM generate_series(0, ${WORKSPACES - 1}) AS n;
      INSERT INTO devices (id, name, type) SELECT 'filled-' || n, 'filled-' || n, 'local' FROM generate_series(0, ${DEVICES - 1}) AS n;
      INSERT INTO workspace_devices (workspace_id, device_id, local_path)
      SELECT w.id, d.id, '/repo' FROM workspaces w CROSS JOIN devices d;
      INSERT INTO sessions (id, workspace_id, device_id, lifecycle, started_at, ended_at, end_reason, duration_ms, initial_prompt)
      SELECT 'filled-' || n, 'W' || n % ${WORKSPACES}, 'filled-' || n % ${DEVICES}, 'ended', at, at + interval '1 hour', 'exit', 3600000, 'Fix it'
      FROM generate_series(0, ${sessions - 1}) AS n CROSS JOIN LATERAL (SELECT timestamptz '2026-01-01Z' + n * interval '5 min' AS at) t;
      INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
      SELECT '01KA' || lpad(n::text, 22, '0'),
        CASE k WHEN 0 THEN 'session.start' WHEN ${SESSION_EVENTS - 1} THEN 'session.end' WHEN 9 THEN 'git.commit' ELSE 'tool.use' END,
        s.started_at + k * interval '18 s', s.device_id, s.workspace_id, s.id,
        CASE k WHEN 9 THEN jsonb_build_object('hash', md5(n::text), 'message', 'Fix it', 'branch', 'main')
          ELSE jsonb_build_object('cc_session_id', s.id, 'cwd', '/repo', 'tool', 'bash', 'end_reason', 'exit', 'output', repeat(md5(n::text), 6)) END
      FROM generate_series(0, ${events - 1}) AS n CROSS JOIN LATERAL (SELECT n % ${SESSION_EVENTS} AS k) o
      JOIN sessions s ON s.id = 'filled-' || n / ${SESSION_EVENTS};
      INSERT INTO git_activity (id, workspace_id, device_id, session_id, type, branch, commit_sha, message, timestamp, data)
      SELECT id, workspace_id, device_id, session_id, 'commit', 'main', data->>'hash', data->>'message', timestamp, data
      FROM events WHERE type = 'git.commit';
      RESET session_replication_role;`);
    // Outside a transaction each.
    for (const statement of ["VACUUM ANALYZE", "CHECKPOINT"]) await sql.unsafe(statement);
  };
}
