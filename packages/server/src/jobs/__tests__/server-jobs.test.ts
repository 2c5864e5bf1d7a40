import { afterEach, describe, expect, test } from "bun:test";
import { createJobRunner } from "@wharf/job-runner";
import { clearRows, until, useTestDatabase } from "@wharf/testkit";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { openDatabase } from "../../db/database.ts";
import { createDeleteInPieces } from "../../db/delete-in-pieces.ts";
import { endIdleSessions } from "../../db/edits/idle-sessions.ts";
import { PRUNED_TABLES, prune } from "../../db/edits/retention.ts";
import { migratePhases } from "../../db/phases.ts";
import { createLogger } from "../../logger.ts";
import { endSilentSessions } from "../end-silent-sessions.ts";
import { createServerJobs } from "../server-jobs.ts";

const database = useTestDatabase({ migrate: migratePhases });
const IDLE_MS = 3_600_000;
const logger = createLogger("silent", false);

afterEach(() => clearRows(database.sql));

async function addSession(id: string, fields: { silentMs: number; lifecycle?: string }): Promise<void> {
  const { sql } = database;
  await sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'github.com/a/b', 'b') ON CONFLICT DO NOTHING`;
  await sql`INSERT INTO devices (id, name, type) VALUES ('d', 'd', 'local') ON CONFLICT DO NOTHING`;
  await sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at, lifecycle, last_heard_at)
    VALUES (${id}, 'w', 'd', '2026-03-01T10:00:00Z', ${fields.lifecycle ?? "capturing"},
      now() - ${fields.silentMs} * interval '1 millisecond')`;
}

describe("sessions that are silent for too long", () => {
  test("are ended at their last event, as a crash, and the others are left alone", async () => {
    await addSession("silent", { silentMs: IDLE_MS + 60_000 });
    await addSession("talking", { silentMs: 1_000 });
    await addSession("parsed", { silentMs: IDLE_MS * 2, lifecycle: "parsed" });
    await database.sql`
      INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
      VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'tool.use', '2026-03-01T10:30:00Z', 'd', 'w', 'silent', '{}')`;
    expect(await endIdleSessions(database.sql, IDLE_MS, ["silent", "talking", "parsed"])).toEqual(["silent"]);
    const [silent] = await database.sql`SELECT * FROM sessions WHERE id = 'silent'`;
    expect(silent).toMatchObject({ lifecycle: "ended", end_reason: "crash", ended_by_server: true });
    expect(silent?.["ended_at"]).toEqual(new Date("2026-03-01T10:30:00Z"));
    expect(Number(silent?.["duration_ms"])).toBe(30 * 60_000);
    const open = await database.sql`SELECT id FROM sessions WHERE lifecycle = 'capturing'`;
    expect(open.map((row) => row["id"])).toEqual(["talking"]);
    const [change] = await database.sql`SELECT kind, session_ids FROM change_log WHERE kind <> 'device'`;
    expect(change).toEqual({ kind: "sessions_ended", session_ids: ["silent"] });
  });

  test("without any event end where they started, and are ended once", async () => {
    await addSession("empty", { silentMs: IDLE_MS * 2 });
    const ended = await Promise.all([1, 2, 3].map(() => endIdleSessions(database.sql, IDLE_MS, ["empty"])));
    expect(ended.flat()).toEqual(["empty"]);
    const [row] = await database.sql`SELECT ended_at = started_at AS same, duration_ms FROM sessions`;
    expect(row).toEqual({ same: true, duration_ms: "0" });
  });
});

test("a silent session whose end is refused keeps no other from being ended", async () => {
  await database.sql.unsafe(
    `CREATE FUNCTION refuse_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE numeric_value_out_of_range; END $$;
     CREATE TRIGGER refuse_end BEFORE UPDATE ON sessions FOR EACH ROW WHEN (NEW.id = 'refused') EXECUTE FUNCTION refuse_end()`,
  );
  for (const id of ["a", "refused", "b", "c", "d"]) await addSession(id, { silentMs: IDLE_MS * 2 });
  const writes = openDatabase(database.url, { deadlineMs: 10_000, max: 2 });
  expect(await endSilentSessions({ database: writes, logger, sessionIdleMs: IDLE_MS })).toBe(4);
  const open = await database.sql`SELECT id FROM sessions WHERE lifecycle = 'capturing'`;
  expect(open.map((row) => row["id"])).toEqual(["refused"]);
  await database.sql.unsafe("DROP FUNCTION refuse_end CASCADE");
  expect(await endSilentSessions({ database: writes, logger, sessionIdleMs: IDLE_MS })).toBe(1);
  await writes.close();
});

describe("retention", () => {
  test("deletes notes and changes of long ago, and nothing younger", async () => {
    await database.sql`INSERT INTO ingest_notes (kind, created_at) VALUES ('old', now() - interval '31 days'), ('new', now())`;
    await database.sql`INSERT INTO change_log (kind, created_at) VALUES ('old', now() - interval '25 hours'), ('new', now())`;
    const writes = openDatabase(database.url, { deadlineMs: 10_000 });
    for (const table of PRUNED_TABLES) await prune(createDeleteInPieces(writes), table);
    await writes.close();
    const kept = await database.sql`SELECT kind FROM ingest_notes UNION ALL SELECT kind FROM change_log`;
    expect(kept.map((row) => row["kind"])).toEqual(["new", "new"]);
  });
});

describe("blobs that no job can refer to any more", () => {
  const hashOf = (digit: string) => digit.repeat(64);

  async function pruned(): Promise<string[]> {
    const writes = openDatabase(database.url, { deadlineMs: 10_000, max: 2 });
    const jobs = createServerJobs({
      database: writes,
      deleteInPieces: createDeleteInPieces(writes),
      blobs: createPostgresBlobStore(writes),
      logger,
      sessionIdleMs: IDLE_MS,
      enqueueParse: async () => ({ id: "1" }),
      askModel: null,
    });
    const runner = createJobRunner({
      sql: database.sql,
      jobs: jobs.map(({ job }) => job),
      workerMode: "inspect",
      logger,
    });
    const [row] = await database.sql<{ id: string }[]>`
      INSERT INTO jobs (queue, type, payload) VALUES ('recurring', 'prune', '{"due_ms": 0}') RETURNING id`;
    expect(await runner.runOne(row?.id ?? "")).toMatchObject({ status: "completed" });
    await runner.drain();
    await writes.close();
    const left = await database.sql<{ hash: string }[]>`SELECT hash FROM blobs ORDER BY hash`;
    return left.map(({ hash }) => hash);
  }

  test("are deleted when they were not put for 35 days, and none while a job of that time is in the archive", async () => {
    await database.sql`
      INSERT INTO blobs (hash, size_bytes, chunk_count, written_at) VALUES
        (${hashOf("a")}, 0, 0, now() - interval '36 days'), (${hashOf("b")}, 0, 0, now() - interval '34 days')`;
    await database.sql`
      INSERT INTO jobs_archive (id, queue, type, payload, priority, attempts, max_attempts, recoveries, lease_generation,
        concurrency_limit, created_at, completed_at)
      VALUES (1, 'commands', 'command', '{}', 0, 0, 1, 0, 1, 1, now() - interval '36 days', now() - interval '35 days')`;
    expect(await pruned()).toEqual([hashOf("a"), hashOf("b")]);
    await database.sql`DELETE FROM jobs_archive WHERE type = 'command'`;
    expect(await pruned()).toEqual([hashOf("b")]);
  });
});

describe("the server's jobs", () => {
  const RUNNERS = 3;
  const NAMES = [
    "apply-retention",
    "compact-transcripts",
    "count-events",
    "end-idle-sessions",
    "enqueue-parses",
    "index-sessions",
    "prune",
    "refresh-live-states",
    "remove-blobs",
    "repair-ingest",
    "reprice-responses",
    "resume-deletions",
    "sample-storage",
    "summarize-sessions",
  ];

  async function withRunners(work: () => Promise<void>): Promise<void> {
    const writes = openDatabase(database.url, { deadlineMs: 10_000, max: 2 });
    const runners = Array.from({ length: RUNNERS }, () => {
      const blobs = createPostgresBlobStore(writes);
      const deleteInPieces = createDeleteInPieces(writes);
      const jobs = createServerJobs({
        database: writes,
        deleteInPieces,
        blobs,
        logger,
        sessionIdleMs: IDLE_MS,
        enqueueParse: async () => ({ id: "1" }),
        askModel: null,
      });
      return createJobRunner({
        sql: database.sql,
        jobs: jobs.map(({ job }) => job),
        schedules: jobs.map(({ schedule }) => schedule),
        logger,
        backoffBaseMs: 10,
        maxBackoffMs: 50,
      });
    });
    await Promise.all(runners.map((runner) => runner.start()));
    try {
      await work();
    } finally {
      await Promise.all(runners.map((runner) => runner.drain(5_000)));
      await writes.close();
    }
  }

  test("are enqueued once per tick by any number of processes, and their next tick is set", async () => {
    const { sql } = database;
    await addSession("silent", { silentMs: IDLE_MS * 2 });
    await sql`INSERT INTO blobs (written_at) VALUES (now() - interval '2 hours'), (now())`;
    await withRunners(async () => {
      await sql`UPDATE job_schedules SET next_at = date_trunc('day', now(), 'UTC') - interval '1 day'`;
      // It is summarized by another job of the same tick, maybe before it is seen as ended.
      await until(async () => (await sql`SELECT 1 FROM sessions WHERE ended_by_server`).length === 1, {
        describe: "the silent session to be ended",
      });
      await until(async () => (await sql`SELECT FROM blobs`).length === 1, {
        describe: "the abandoned upload to be removed, and the other one to be left",
      });
      await until(async () => typesOf(await ticks()).size === NAMES.length, {
        describe: "each job to be enqueued",
      });
    });
    const enqueued = await ticks();
    expect([...typesOf(enqueued)]).toEqual(NAMES);
    expect(new Set(enqueued.map(({ type, due_ms }) => `${type} ${due_ms}`)).size).toBe(enqueued.length);
    expect(await sql`SELECT name FROM job_schedules WHERE next_at > now()`).toHaveLength(NAMES.length);
  });

  test("that an older version enqueued for itself still run", async () => {
    await database.sql`INSERT INTO jobs (queue, type, payload, concurrency_key)
      VALUES ('recurring', 'prune', '{"due_ms": 1772359200000}', 'prune')`;
    await withRunners(async () => {
      const done = () => database.sql`SELECT id FROM jobs_archive WHERE type = 'prune'`;
      await until(async () => (await done()).length === 1, { describe: "the old job to be done" });
    });
  });
});

const typesOf = (jobs: readonly { type: string }[]) => new Set(jobs.map(({ type }) => type));

/** The jobs that ticks have enqueued. A minute may end while a test runs, so that there may be one tick more. */
async function ticks(): Promise<{ type: string; due_ms: string }[]> {
  const rows = await database.sql<{ type: string; due_ms: string }[]>`
    SELECT type, payload->>'due_ms' AS due_ms FROM all_jobs ORDER BY type, due_ms`;
  return [...rows];
}
