import { afterEach, describe, expect, test } from "bun:test";
import pino from "pino";
import { setupApp } from "../../__tests__/setup-app.ts";
import type { Database } from "../../db/database.ts";
import { createDeleteInPieces } from "../../db/delete-in-pieces.ts";
import { beginSessionDeletion, finishSessionDeletion } from "../../db/edits/session-deletion.ts";
import { projectSessions } from "../../db/projections/project-sessions.ts";
import { ATTEMPTS_MAX } from "../../db/projections/projection-queue.ts";
import { StorageError } from "../../errors.ts";
import { DEFAULT_LIMITS } from "../../limits.ts";
import { type CheckedEvent, checkEvent, isRejection } from "../check-event.ts";
import { createFlush } from "../flush.ts";
import { createFlushRunner } from "../flush-runner.ts";
import { createKnownActivity } from "../known-activity.ts";
import { retryProjections, retryProjectionsAtBoot } from "../retry-projections.ts";
import { createWorkspaceReferences } from "../workspace-references.ts";
import { createWorkspaceResolver } from "../workspace-resolver.ts";
import { commit, end, minute, type SentEvent, start, toolUse } from "./event-factory.ts";
import { matchRows } from "./git-match-rows.ts";

const server = setupApp();
const silent = pino({ level: "silent" });
const undo: string[] = [];

afterEach(async () => {
  for (const statement of undo.splice(0)) await server.sql.unsafe(statement);
});

function checked(event: SentEvent): CheckedEvent {
  const result = checkEvent(event, {
    limits: DEFAULT_LIMITS,
    now: () => new Date(),
    workspaceOf: createWorkspaceReferences(),
  });
  if (isRejection(result)) throw new Error(result.error);
  return result;
}

/** Stores events as a process that dies just after each commit. */
async function storeAndDie(...flushes: SentEvent[][]): Promise<void> {
  const writes = server.current().pools.ingest;
  const flush = createFlush({
    database: writes,
    runFlush: createFlushRunner({ database: writes, bySetDatabase: null }),
    workspaces: createWorkspaceResolver(writes),
    known: createKnownActivity(),
    projector: { project: () => Promise.resolve() },
  });
  for (const events of flushes) await flush(events.map(checked));
}

async function stateOf() {
  const sessions = await server.sql`SELECT id, lifecycle, started_at, ended_at FROM sessions ORDER BY id`;
  const git = await matchRows(server);
  return { sessions: [...sessions], git: git.map((matches) => matches.join(", ")) };
}

const lifecycles = async () =>
  (await stateOf()).sessions.map((session) => [session["id"], session["lifecycle"]]);

const rowsOf = async (table: string) =>
  (await server.sql<{ n: number }[]>`SELECT count(*)::int AS n FROM ${server.sql(table)}`)[0]?.n;

/** As when the processes that wrote them have not projected them for long, or the next attempt is due. */
async function makeDue(): Promise<void> {
  await server.sql`UPDATE projection_queue SET next_retry_at = now() WHERE next_retry_at < 'infinity'`;
}

const retry = () => retryProjections(server.current().pools.ingest, silent);

async function retryNow() {
  await makeDue();
  return await retry();
}

const UNPROJECTED = {
  sessions: [{ id: "s1", lifecycle: "detected", started_at: new Date(minute(0)), ended_at: null }],
  git: [],
};
const PROJECTED = {
  sessions: [
    { id: "s1", lifecycle: "ended", started_at: new Date(minute(0)), ended_at: new Date(minute(9)) },
  ],
  git: ["s1 possible"],
};

describe("what a process left to do when it died", () => {
  test("is done at boot", async () => {
    await storeAndDie([start("s1", 0), commit(1)], [end("s1", 9)]);
    expect(await stateOf()).toEqual(UNPROJECTED);
    expect(await rowsOf("projection_queue")).toBe(2);
    await retryProjectionsAtBoot(server.current().pools.ingest, silent);
    expect(await stateOf()).toEqual(PROJECTED);
    expect(await rowsOf("projection_queue")).toBe(0);
  });

  test("is done by the job when it cannot be under way any more", async () => {
    await storeAndDie([start("s1", 0), commit(1), end("s1", 9)]);
    expect(await retry()).toEqual({ rows: 0, failed: 0 });
    expect(await stateOf()).toEqual(UNPROJECTED);
    expect(await retryNow()).toEqual({ rows: 1, failed: 0 });
    expect(await stateOf()).toEqual(PROJECTED);
  });

  test("is done in rounds, however much it is", async () => {
    const flushes = Array.from({ length: 45 }, (_, n) => [start(`s${n}`, n)]);
    await storeAndDie(...flushes);
    expect(await retryNow()).toEqual({ rows: 45, failed: 0 });
    const rows = await server.sql`SELECT id FROM sessions WHERE lifecycle = 'capturing'`;
    expect(rows).toHaveLength(45);
  });

  test("may have been done already, all or half of it", async () => {
    await storeAndDie([start("s1", 0), commit(1), end("s1", 9)]);
    const [pending] = await server.sql<{ event_ids: string[] }[]>`SELECT event_ids FROM projection_queue`;
    await retryNow();
    for (const reset of [false, true]) {
      if (reset) await server.sql`DELETE FROM git_matches`;
      await server.sql`INSERT INTO projection_queue (event_ids) VALUES (${pending?.event_ids ?? []})`;
      await retryNow();
      expect(await stateOf()).toEqual(PROJECTED);
    }
  });

  test("brings no session back that was deleted meanwhile", async () => {
    await storeAndDie([start("s1", 0), toolUse("s1", 1)], [start("s2", 0)]);
    expect((await server.request("DELETE", "/api/sessions/s1")).status).toBe(204);
    await retryNow();
    expect((await stateOf()).sessions.map((session) => session["id"])).toEqual(["s2"]);
    expect(await rowsOf("projection_queue")).toBe(0);
  });

  test("passes by a session that is locked, and does not bring it back when it is deleted", async () => {
    const elsewhere = { device_id: "desktop", workspace_id: "github.com/acme/gadgets" };
    await storeAndDie([start("s1", 0)], [start("s2", 0, {}, elsewhere)]);
    await server.sql.begin(async (deleting) => {
      await deleting`DELETE FROM events WHERE session_id = 's1'`;
      await deleting`DELETE FROM sessions WHERE id = 's1'`;
      await retryNow();
      expect(await lifecycles()).toEqual([
        ["s1", "detected"],
        ["s2", "capturing"],
      ]);
      expect(await rowsOf("projection_queue")).toBe(1);
    });
    await retryNow();
    expect(await lifecycles()).toEqual([["s2", "capturing"]]);
    expect(await rowsOf("projection_queue")).toBe(0);
  });

  test("ties commits to a session that was reopened just before the process died", async () => {
    await storeAndDie([toolUse("s1", 0)]);
    await retryNow();
    await server.sql`UPDATE sessions SET lifecycle = 'ended', ended_by_server = true, ended_at = started_at`;
    await storeAndDie([commit(30)], [toolUse("s1", 60)]);
    const [row] = await server.sql<
      { event_ids: string[] }[]
    >`SELECT event_ids FROM projection_queue ORDER BY id DESC`;
    await projectSessions(server.sql, row?.event_ids ?? []);
    await retryNow();
    expect((await stateOf()).git).toEqual(["s1 possible"]);
  });

  /** As when the process dies before it has looked for another session. */
  async function refuseMatches() {
    await server.sql.unsafe(
      `CREATE FUNCTION refuse_match() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no match'; END $$;
       CREATE TRIGGER refuse_match BEFORE INSERT ON git_matches FOR EACH ROW EXECUTE FUNCTION refuse_match()`,
    );
    return () => server.sql.unsafe("DROP FUNCTION refuse_match CASCADE");
  }

  test("finds another session for the commits of one that was deleted", async () => {
    await storeAndDie([start("s1", 0)], [start("s2", 1)], [commit(2)]);
    await retryNow();
    expect((await stateOf()).git).toEqual(["s1 possible, s2 possible"]);
    await server.sql`DELETE FROM git_matches WHERE session_id = 's1'`;
    const dropTrigger = await refuseMatches();
    await beginSessionDeletion(server.sql, "s2");
    const deleteInPieces = createDeleteInPieces(server.current().pools.ingest);
    await expect(finishSessionDeletion(deleteInPieces, "s2", {})).rejects.toThrow("no match");
    expect((await stateOf()).git).toEqual([""]);
    await dropTrigger();
    await retryNow();
    expect((await stateOf()).git).toEqual(["s1 possible"]);
  });

  test("is set aside after too many failed attempts, with the reason, and can be retried by hand", async () => {
    await storeAndDie([start("s1", 0), commit(1)]);
    await server.sql.unsafe("ALTER TABLE git_matches ADD CONSTRAINT refuse CHECK (session_id <> 's1')");
    undo.push("ALTER TABLE git_matches DROP CONSTRAINT IF EXISTS refuse");
    for (let n = 0; n < ATTEMPTS_MAX; n++) expect(await retryNow()).toEqual({ rows: 1, failed: 1 });
    expect(await retryNow()).toEqual({ rows: 0, failed: 0 });
    const [row] =
      await server.sql`SELECT attempts, last_error, next_retry_at::text AS at FROM projection_queue`;
    expect(row).toMatchObject({ attempts: ATTEMPTS_MAX, at: "infinity" });
    expect(row?.["last_error"]).toContain("23514");
    await server.sql.unsafe(undo.pop() ?? "");
    await server.sql`UPDATE projection_queue SET next_retry_at = now()`;
    expect(await retry()).toEqual({ rows: 1, failed: 0 });
    expect(await stateOf()).toMatchObject({ git: ["s1 possible"] });
    expect(await rowsOf("projection_queue")).toBe(0);
  });

  test("is taken over from the two tables of the version before, when its processes cannot be at it any more", async () => {
    await storeAndDie([start("s1", 0), commit(1)], [end("s1", 9)]);
    const old = () => server.sql`
      WITH moved AS (DELETE FROM projection_queue RETURNING event_ids)
      INSERT INTO pending_projections (event_ids) SELECT event_ids FROM moved`;
    await old();
    expect(await retry()).toEqual({ rows: 0, failed: 0 });
    await server.sql`UPDATE pending_projections SET created_at = now() - interval '1 minute'`;
    expect(await retry()).toEqual({ rows: 2, failed: 0 });
    expect(await stateOf()).toEqual(PROJECTED);
    await server.sql`UPDATE sessions SET lifecycle = 'detected', facts = '{}'`;
    await server.sql`
      INSERT INTO projection_retries (event_id, attempts, last_error) SELECT id, 3, 'no' FROM events WHERE type LIKE 'session.%'`;
    expect(await retry()).toEqual({ rows: 2, failed: 0 });
    expect(await stateOf()).toEqual(PROJECTED);
    for (const table of ["pending_projections", "projection_retries", "projection_queue"])
      expect(await rowsOf(table)).toBe(0);
  });

  test("brings no device back that was deleted meanwhile", async () => {
    await storeAndDie([start("s1", 0, { _device_name: "Ada" })]);
    await server.sql`UPDATE devices SET status = 'terminated', terminated_at = now()`;
    await retryNow();
    const [device] = await server.sql`SELECT status FROM devices`;
    expect(device?.["status"]).toBe("terminated");
  });

  test("delays nothing else when it fails by itself, and is retried later", async () => {
    await server.sql.unsafe(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF NEW.id = 's1' THEN RAISE 'no'; END IF;
         RETURN NEW;
       END $$;
       CREATE TRIGGER refuse BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION refuse()`,
    );
    undo.push("DROP FUNCTION refuse CASCADE");
    await storeAndDie([start("s1", 0)], [start("s2", 0)]);
    expect(await retryNow()).toEqual({ rows: 2, failed: 1 });
    expect(await lifecycles()).toEqual([
      ["s1", "detected"],
      ["s2", "capturing"],
    ]);
    await server.sql.unsafe(undo.pop() ?? "");
    expect(await retry()).toEqual({ rows: 0, failed: 0 });
    expect(await retryNow()).toEqual({ rows: 1, failed: 0 });
    expect(await lifecycles()).toEqual([
      ["s1", "capturing"],
      ["s2", "capturing"],
    ]);
  });
});

test("a failed retry is logged, and the server starts", async () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(line) });
  const slow: Database = {
    ...server.current().pools.ingest,
    run: () =>
      Promise.reject(new StorageError("The database did not answer within 10 ms.", "STORAGE_TIMEOUT")),
  };
  await retryProjectionsAtBoot(slow, logger);
  expect(lines.join("")).toContain("will be retried by a job");
});
