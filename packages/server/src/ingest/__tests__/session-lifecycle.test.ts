import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import { matchGitActivity } from "../../db/git-activity.ts";
import { anEvent, commit, end, minute, send, start, statuses, toolUse, WORKSPACE } from "./event-factory.ts";

const server = setupApp();

async function session(id = "s1") {
  const [row] = await server.sql`
    SELECT s.*, w.canonical_id AS workspace FROM sessions s JOIN workspaces w ON w.id = s.workspace_id WHERE s.id = ${id}`;
  return row;
}

async function sessionOfCommit(id: string): Promise<string | null> {
  const [row] = await server.sql<
    { session_id: string | null }[]
  >`SELECT session_id FROM git_activity WHERE id = ${id}`;
  if (row === undefined) throw new Error("The commit has no git activity.");
  return row.session_id;
}

const report = (fields: object = {}) => ({
  id: "s1",
  workspace_id: WORKSPACE,
  device_id: "laptop",
  started_at: minute(0),
  ...fields,
});

describe("a session", () => {
  test("is a stub until its start is known, and follows its earliest event", async () => {
    await send(server, [toolUse("s1", 5)]);
    expect(await session()).toMatchObject({
      lifecycle: "detected",
      started_at: new Date(minute(5)),
      source: null,
    });
    await send(server, [toolUse("s1", 3, { device_id: "other" })]);
    expect(await session()).toMatchObject({ started_at: new Date(minute(3)), device_id: "other" });
  });

  test("as a stub takes workspace, device and time of its start", async () => {
    await send(server, [toolUse("s1", 1, { device_id: "other", workspace_id: "github.com/a/other" })]);
    await send(server, [start("s1", 2, { git_branch: "main", model: "large" })]);
    expect(await session()).toMatchObject({
      lifecycle: "capturing",
      workspace: WORKSPACE,
      device_id: "laptop",
      started_at: new Date(minute(2)),
      git_branch: "main",
      model: "large",
      source: "startup",
      metadata: { cwd: "/repo" },
    });
  });

  test("keeps its first workspace and device when it is resumed elsewhere", async () => {
    await send(server, [start("s1", 0)]);
    await send(server, [
      start("s1", 9, { source: "resume" }, { device_id: "other", workspace_id: "github.com/a/other" }),
    ]);
    expect(await session()).toMatchObject({ workspace: WORKSPACE, device_id: "laptop", source: "startup" });
  });

  test("is closed by its end, which knows how long it lasted", async () => {
    await send(server, [
      start("s1", 0),
      end("s1", 10, { duration_ms: 2_600_000_000, end_reason: "prompt_input_exit" }),
    ]);
    expect(await session()).toMatchObject({
      lifecycle: "ended",
      ended_at: new Date(minute(10)),
      end_reason: "exit",
      duration_ms: "2600000000",
    });
  });

  test("may end before it starts", async () => {
    await send(server, [end("s1", 10)]);
    expect(await session()).toMatchObject({ lifecycle: "ended", started_at: new Date(minute(10)) });
    await send(server, [start("s1", 0)]);
    expect(await session()).toMatchObject({
      lifecycle: "ended",
      started_at: new Date(minute(0)),
      ended_at: new Date(minute(10)),
    });
  });

  test("that ends several times ends at the latest of them", async () => {
    await send(server, [
      start("s1", 0),
      end("s1", 20, { end_reason: "logout", duration_ms: 7 }),
      end("s1", 10),
    ]);
    await send(server, [end("s1", 15)]);
    expect(await session()).toMatchObject({
      ended_at: new Date(minute(20)),
      end_reason: "logout",
      duration_ms: "7",
    });
  });

  test("is reopened by a resume, and closed by the end after it", async () => {
    await send(server, [start("s1", 0), end("s1", 10)]);
    await send(server, [start("s1", 20, { source: "resume" })]);
    expect(await session()).toMatchObject({
      lifecycle: "capturing",
      ended_at: null,
      end_reason: null,
      duration_ms: null,
    });
    await send(server, [end("s1", 30)]);
    expect(await session()).toMatchObject({
      lifecycle: "ended",
      ended_at: new Date(minute(30)),
      started_at: new Date(minute(0)),
    });
  });

  test("stays ended when a resume from before its end arrives late", async () => {
    await send(server, [start("s1", 0), end("s1", 30)]);
    await send(server, [start("s1", 20, { source: "resume" })]);
    expect(await session()).toMatchObject({ lifecycle: "ended", ended_at: new Date(minute(30)) });
  });

  test.each(["parsed", "summarized", "archived"])(
    "that was %s is captured again after a resume",
    async (lifecycle) => {
      await send(server, [start("s1", 0), end("s1", 10)]);
      await server.sql`UPDATE sessions SET lifecycle = ${lifecycle}`;
      await send(server, [end("s1", 10)]);
      expect(await session()).toMatchObject({ lifecycle });
      await send(server, [start("s1", 20, { source: "resume" })]);
      expect(await session()).toMatchObject({ lifecycle: "capturing" });
    },
  );

  test("that failed stays failed whatever arrives", async () => {
    await send(server, [start("s1", 0)]);
    await server.sql`UPDATE sessions SET lifecycle = 'failed'`;
    await send(server, [end("s1", 10), start("s1", 20, { source: "resume" })]);
    expect(await session()).toMatchObject({ lifecycle: "failed" });
  });

  test("that the server ended for silence is open again as soon as it speaks", async () => {
    await send(server, [start("s1", 0)]);
    await server.sql`
      UPDATE sessions SET lifecycle = 'ended', ended_at = now(), end_reason = 'crash', duration_ms = 1, ended_by_server = true`;
    await send(server, [toolUse("s1", 5)]);
    expect(await session()).toMatchObject({
      lifecycle: "capturing",
      ended_at: null,
      end_reason: null,
      duration_ms: null,
      ended_by_server: false,
    });
  });

  test("that the server ended while it was a stub is a stub again", async () => {
    await send(server, [toolUse("s1", 0)]);
    await server.sql`UPDATE sessions SET lifecycle = 'ended', ended_at = now(), end_reason = 'crash', ended_by_server = true`;
    await send(server, [toolUse("s1", 5)]);
    expect(await session()).toMatchObject({ lifecycle: "detected", ended_at: null });
  });

  test("whose payload alone names it is found nevertheless", async () => {
    await send(server, [start("s1", 0, {}, { session_id: null })]);
    expect(await session()).toMatchObject({ lifecycle: "capturing" });
    const answer = await send(server, [
      start("x".repeat(5_000), 0, {}, { session_id: null }),
      start("", 0, {}, { session_id: null }),
    ]);
    expect(answer.ingested).toBe(2);
    expect(await server.sql`SELECT id FROM sessions`).toHaveLength(1);
  });

  test("is heard again when it is only heard, at most every half minute", async () => {
    await send(server, [start("s1", 0)]);
    await server.sql`UPDATE sessions SET last_heard_at = now() - interval '1 hour', updated_at = '2026-01-01'`;
    await send(server, [toolUse("s1", 5)]);
    const [heard] = await server.sql<
      { recent: boolean }[]
    >`SELECT last_heard_at > now() - interval '1 minute' AS recent FROM sessions`;
    expect(heard?.recent).toBe(true);
    await server.sql`UPDATE sessions SET updated_at = '2026-01-01'`;
    await send(server, [toolUse("s1", 6)]);
    expect((await session())?.["updated_at"]).toEqual(new Date("2026-01-01"));
  });
});

describe("reported sessions", () => {
  test("are created, then merged", async () => {
    const first = await server.request(
      "POST",
      "/api/sessions",
      report({ tags: ["b", "a"], initial_prompt: "do it", metadata: { k: 1 } }),
    );
    expect(first.status).toBe(201);
    expect(first.body.session).toMatchObject({
      id: "s1",
      tags: ["a", "b"],
      initial_prompt: "do it",
      metadata: { k: 1 },
      lifecycle: "capturing",
    });
    const again = await server.request(
      "POST",
      "/api/sessions",
      report({ ended_at: minute(10), end_reason: "exit", tags: ["c"], cwd: "/repo" }),
    );
    expect(again.status).toBe(200);
    expect(again.body.session).toMatchObject({
      tags: ["a", "b", "c"],
      lifecycle: "ended",
      duration_ms: 600_000,
      metadata: { k: 1, cwd: "/repo" },
    });
  });

  test("found in transcripts are created once, and do not close a session that lives", async () => {
    const backfill = {
      session_id: "s1",
      workspace_canonical_id: WORKSPACE,
      device_id: "d",
      device_name: "the d",
      started_at: minute(0),
      ended_at: minute(9),
      is_live: true,
    };
    expect(await server.request("POST", "/api/backfill/sessions", backfill)).toMatchObject({
      status: 201,
      body: { status: "created", session_id: "s1" },
    });
    expect(await session()).toMatchObject({ lifecycle: "capturing", ended_at: null, source: "backfill" });
    expect(
      await server.request("POST", "/api/backfill/sessions", { ...backfill, is_live: false }),
    ).toMatchObject({ status: 200, body: { status: "exists" } });
    expect(await session()).toMatchObject({ lifecycle: "ended", ended_at: new Date(minute(9)) });
    expect([...(await server.sql`SELECT name FROM devices`)]).toEqual([{ name: "the d" }]);
  });

  test("and the session's events lead to one row, whichever came first", async () => {
    await send(server, [toolUse("s1", 5)]);
    await server.request("POST", "/api/sessions", report({ model: "large" }));
    await send(server, [end("s1", 9)]);
    expect(await session()).toMatchObject({
      lifecycle: "ended",
      model: "large",
      started_at: new Date(minute(0)),
    });
    expect(await server.sql`SELECT id FROM sessions`).toHaveLength(1);
  });

  test("may hold what Postgres cannot", async () => {
    const odd = report({ id: "a\0b", cwd: "/\ud800", metadata: { "\0": ["\0"], __proto__x: 9 } });
    expect((await server.request("POST", "/api/sessions", odd)).status).toBe(201);
    expect(await session("a\uFFFDb")).toMatchObject({ metadata: { cwd: "/\uFFFD" } });
    await send(server, [end("a\0b", 9)]);
    expect(await session("a\uFFFDb")).toMatchObject({ lifecycle: "ended" });
  });

  test.each([
    ["without an id", { id: undefined }],
    ["of a workspace that does not exist", { workspace_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }],
    ["with a start that is no time", { started_at: "soon" }],
  ])("%s are refused", async (_, fields) => {
    const { status, headers } = await server.request("POST", "/api/sessions", report(fields));
    expect(status).toBe(400);
    expect(headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("git activity", () => {
  test("belongs to the session of its workspace and device during which it happened", async () => {
    const [during, before, after, elsewhere, other] = [
      commit(5),
      commit(-5),
      commit(15),
      commit(5, { device_id: "other" }),
      commit(5, { workspace_id: "github.com/a/other" }),
    ] as const;
    await send(server, [start("s1", 0), during, before, after, elsewhere, other, end("s1", 10)]);
    expect(await sessionOfCommit(during.id)).toBe("s1");
    for (const { id } of [before, after, elsewhere, other]) expect(await sessionOfCommit(id)).toBeNull();
  });

  test("of the past is picked up by a session that becomes known late", async () => {
    const event = commit(5);
    await send(server, [event]);
    expect(await sessionOfCommit(event.id)).toBeNull();
    await server.request("POST", "/api/sessions", report());
    expect(await sessionOfCommit(event.id)).toBe("s1");
  });

  test("that comes late is found its session", async () => {
    await send(server, [start("s1", 0), end("s1", 10)]);
    const event = commit(5);
    await send(server, [event]);
    expect(await sessionOfCommit(event.id)).toBe("s1");
  });

  test("is given up by a session that proves to have ended before, or elsewhere", async () => {
    const event = commit(15);
    await send(server, [start("s1", 0), event]);
    expect(await sessionOfCommit(event.id)).toBe("s1");
    await send(server, [end("s1", 10)]);
    expect(await sessionOfCommit(event.id)).toBeNull();
  });

  test("of two sessions belongs to the one that started last", async () => {
    const event = commit(5);
    await send(server, [start("s1", 0), event, start("s2", 3)]);
    expect(await sessionOfCommit(event.id)).toBe("s2");
    await send(server, [end("s2", 4)]);
    expect(await sessionOfCommit(event.id)).toBe("s1");
  });

  test("that names its session stays with it, wherever it happened", async () => {
    const event = commit(500, { session_id: "s1", device_id: "other" });
    await send(server, [start("s1", 0), end("s1", 10), event]);
    expect(await sessionOfCommit(event.id)).toBe("s1");
    expect([...(await server.sql`SELECT session_inferred FROM git_activity`)]).toEqual([
      { session_inferred: false },
    ]);
  });

  test("keeps what its event says, with numbers and hashes that fit", async () => {
    const merge = anEvent({
      type: "git.merge",
      data: {
        merge_commit: "abc",
        message: "m",
        merged_branch: "f",
        into_branch: "main",
        files_changed: 5_000_000_000,
        had_conflicts: false,
      },
    });
    const push = anEvent({ type: "git.push", data: { branch: "dev", remote: "origin", commit_count: 2 } });
    const long = commit(0, {}, { hash: Array.from({ length: 500 }, () => crypto.randomUUID()).join("") });
    expect(statuses(await send(server, [merge, push, long]))).toEqual(["accepted", "accepted", "accepted"]);
    const rows =
      await server.sql`SELECT type, branch, files_changed, length(commit_sha) AS hash FROM git_activity ORDER BY type`;
    expect([...rows]).toEqual([
      { type: "commit", branch: "main", files_changed: 1, hash: 200 },
      { type: "merge", branch: "main", files_changed: 2_147_483_647, hash: 3 },
      { type: "push", branch: "dev", files_changed: null, hash: null },
    ]);
    expect(await server.sql`SELECT event_id FROM projection_retries`).toHaveLength(0);
  });

  test("is matched to the session that another flush stored while this one waited for the row", async () => {
    const event = commit(5);
    await send(server, [start("s1", 0), event]);
    await server.sql`UPDATE sessions SET ended_at = ${minute(3)}`;
    const holder = await server.sql.reserve();
    const waiter = await server.sql.reserve();
    try {
      const [backend] = await waiter<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`;
      await holder`BEGIN`;
      await holder`UPDATE git_activity SET message = message WHERE id = ${event.id}`;
      const matching = matchGitActivity(waiter, [event.id], []);
      await until(
        async () => {
          const waits = await holder`SELECT 1 FROM pg_locks WHERE pid = ${backend?.pid ?? 0} AND NOT granted`;
          return waits.length > 0;
        },
        { describe: "the match waits for the row" },
      );
      await server.sql`
        INSERT INTO sessions (id, workspace_id, device_id, started_at)
        SELECT 's2', workspace_id, device_id, ${minute(4)} FROM git_activity`;
      await holder`UPDATE git_activity SET session_id = 's2' WHERE id = ${event.id}`;
      await holder`COMMIT`;
      await matching;
    } finally {
      holder.release();
      waiter.release();
    }
    expect(await sessionOfCommit(event.id)).toBe("s2");
  });
});

describe("a deleted session", () => {
  const deleteSession = async (id: string) => {
    await server.sql.begin(async (sql) => {
      await sql`INSERT INTO session_tombstones (session_id) VALUES (${id})`;
      await sql`DELETE FROM events WHERE session_id = ${id}`;
      await sql`DELETE FROM sessions WHERE id = ${id}`;
    });
  };

  test("stays deleted: its events are rejected alone, with the reason, and so are reports of it", async () => {
    const old = toolUse("s1", 0);
    await send(server, [old]);
    await deleteSession("s1");
    const answer = await send(server, [anEvent(), toolUse("s1", 1), start("s1", 0), old, toolUse("s2", 0)]);
    expect(statuses(answer)).toEqual(["accepted", "rejected", "rejected", "rejected", "accepted"]);
    expect(answer.errors?.map(({ error }) => error)).toEqual(Array(3).fill("its session was deleted"));
    expect(await session()).toBeUndefined();
    expect(await server.request("POST", "/api/sessions", report())).toMatchObject({
      status: 410,
      body: { code: "SESSION_DELETED" },
    });
    const backfill = {
      session_id: "s1",
      workspace_canonical_id: WORKSPACE,
      device_id: "d",
      started_at: minute(0),
    };
    expect((await server.request("POST", "/api/backfill/sessions", backfill)).status).toBe(410);
    expect(await session()).toBeUndefined();
  });

  test("stays deleted also while events of it are being stored", async () => {
    for (let round = 0; round < 15; round++) {
      const id = `s${round}`;
      await send(server, [start(id, 0)]);
      const sending = Array.from({ length: 6 }, (_, n) =>
        send(server, [anEvent(), n % 2 === 0 ? toolUse(id, n) : start(id, n)]),
      );
      const [answers] = await Promise.all([Promise.all(sending), deleteWhilePossible(id)]);
      for (const answer of answers) expect(answer.results[0]?.status).toBe("accepted");
      expect(await session(id)).toBeUndefined();
      expect(await server.sql`SELECT 1 FROM events WHERE session_id = ${id}`).toHaveLength(0);
    }
    expect(await server.sql`SELECT 1 FROM projection_retries`).toHaveLength(0);
  });

  /** An event that is stored between the two deletes makes the second one fail: then all of it is done again. */
  async function deleteWhilePossible(id: string): Promise<void> {
    for (;;) {
      try {
        return await deleteSession(id);
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (code !== "23503" && code !== "40P01" && code !== "23505") throw error;
      }
    }
  }
});
