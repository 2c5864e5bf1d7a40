import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import { matchGitActivity } from "../../db/projections/git-matches.ts";
import { anEvent, commit, end, minute, send, start, statuses, WORKSPACE } from "./event-factory.ts";
import { matchRows, possibleSessions } from "./git-match-rows.ts";

const server = setupApp();

const possible = (id: string) => possibleSessions(server, id);

describe("git activity", () => {
  test("may belong to the session of its workspace and device during which it happened", async () => {
    const [during, before, after, elsewhere, other] = [
      commit(5),
      commit(-5),
      commit(15),
      commit(5, { device_id: "other" }),
      commit(5, { workspace_id: "github.com/a/other" }),
    ] as const;
    await send(server, [start("s1", 0), during, before, after, elsewhere, other, end("s1", 10)]);
    expect(await possible(during.id)).toEqual(["s1"]);
    for (const { id } of [before, after, elsewhere, other]) expect(await possible(id)).toEqual([]);
  });

  test("of the past is picked up by a session that becomes known late", async () => {
    const event = commit(5);
    await send(server, [event]);
    expect(await possible(event.id)).toEqual([]);
    await server.request("POST", "/api/sessions", {
      id: "s1",
      workspace_id: WORKSPACE,
      device_id: "laptop",
      started_at: minute(0),
    });
    expect(await possible(event.id)).toEqual(["s1"]);
  });

  test("of a device whose clock is up to a minute ahead may belong to the open session", async () => {
    const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
    const [ahead, beyond] = [commit(0, { timestamp: at(40) }), commit(0, { timestamp: at(120) })];
    await send(server, [start("s1", 0, {}, { timestamp: at(-600) }), ahead, beyond]);
    expect(await possible(ahead.id)).toEqual(["s1"]);
    expect(await possible(beyond.id)).toEqual([]);
  });

  test("that comes late is found its session", async () => {
    await send(server, [start("s1", 0), end("s1", 10)]);
    const event = commit(5);
    await send(server, [event]);
    expect(await possible(event.id)).toEqual(["s1"]);
  });

  test("is given up by a session that proves to have ended before, or elsewhere", async () => {
    const event = commit(15);
    await send(server, [start("s1", 0), event]);
    expect(await possible(event.id)).toEqual(["s1"]);
    await send(server, [end("s1", 10)]);
    expect(await possible(event.id)).toEqual([]);
  });

  test("may belong to each of the sessions that were open", async () => {
    const event = commit(5);
    await send(server, [start("s1", 0), event, start("s2", 3)]);
    expect(await possible(event.id)).toEqual(["s1", "s2"]);
    await send(server, [end("s2", 4)]);
    expect(await possible(event.id)).toEqual(["s1"]);
  });

  test("that names its session stays with it, wherever it happened", async () => {
    const event = commit(500, { session_id: "s1", device_id: "other" });
    await send(server, [start("s1", 0), end("s1", 10), event]);
    expect(await matchRows(server)).toEqual([["s1 exact"]]);
    expect([...(await server.sql`SELECT session_inferred FROM git_activity`)]).toEqual([
      { session_inferred: false },
    ]);
  });

  test("keeps its event's values, with numbers and hashes that fit", async () => {
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
    expect(await server.sql`SELECT last_error FROM projection_queue`).toHaveLength(0);
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
      await holder`UPDATE git_matches SET why = why WHERE git_activity_id = ${event.id}`;
      const matching = matchGitActivity(waiter, [event.id]);
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
      await holder`COMMIT`;
      await matching;
    } finally {
      holder.release();
      waiter.release();
    }
    expect(await possible(event.id)).toEqual(["s2"]);
  });
});
