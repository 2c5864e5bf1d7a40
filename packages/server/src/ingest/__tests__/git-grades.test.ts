import { describe, expect, test } from "bun:test";
import { clearRows } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import { matchSessions } from "../match-git.ts";
import { commit, end, minute, type SentEvent, send, start, toolUse } from "./event-factory.ts";
import { matchRows } from "./git-match-rows.ts";
import { committed, workedIn, wrote } from "./transcript-rows.ts";

const server = setupApp();
const HASH = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
const OTHER_HASH = `9${HASH.slice(1)}`;

/** A commit that changes these files. */
function change(at: number, paths: string[], data: object = {}, fields: Partial<SentEvent> = {}): SentEvent {
  const file_list = paths.map((path) => ({ path, status: "M" }));
  return commit(at, fields, { hash: HASH, file_list, ...data });
}

/** As at the end of a run of the parser. */
const match = (...sessions: string[]) => matchSessions(server.current().pools.ingest, sessions);

async function sessionOf({ id }: SentEvent): Promise<string | null> {
  const [row] = await server.sql`SELECT session_id FROM git_activity WHERE id = ${id}`;
  return row?.["session_id"];
}

const matchesOf = async ({ id }: SentEvent) => (await matchRows(server, id))[0];

describe("a commit whose hash a session's call printed", () => {
  test("is exactly that session's, and no other's", async () => {
    const event = change(5, []);
    await send(server, [start("human", 0), start("s1", 1), event]);
    expect(await matchesOf(event)).toEqual(["human possible", "s1 possible"]);
    expect(await sessionOf(event)).toBeNull();
    const call = await committed(server, "s1", [HASH.slice(0, 7)], minute(5));
    await match("s1");
    expect(await matchesOf(event)).toEqual(["s1 exact"]);
    expect(await sessionOf(event)).toBe("s1");
    const [row] = await server.sql`SELECT why FROM git_matches`;
    expect(row?.["why"]).toBe(`call ${call} printed 1a2b3c4`);
  });

  test("is so on another device, and long after the session's last event", async () => {
    const event = change(500, [], {}, { device_id: "container" });
    await send(server, [start("s1", 0), end("s1", 10), event]);
    await committed(server, "s1", [HASH], minute(499.5));
    await match("s1");
    expect(await matchesOf(event)).toEqual(["s1 exact"]);
  });

  test("may be a minute before the call or after its result, as clocks differ", async () => {
    const ran = (from: number, to: number) => ({ called_at: minute(from), returned_at: minute(to) });
    for (const [{ called_at, returned_at }, grade] of [
      [ran(6, 7), "exact"],
      [ran(6.02, 7), "possible"],
      [ran(3, 4), "exact"],
      [ran(3, 3.98), "possible"],
      [ran(0, 9), "exact"],
    ] as const) {
      const event = change(5, []);
      await send(server, [start("s1", 0), event]);
      await server.sql`DELETE FROM tool_calls`;
      await committed(server, "s1", [HASH], called_at, { returned_at });
      await match("s1");
      expect([called_at, returned_at, await matchesOf(event)]).toEqual([
        called_at,
        returned_at,
        [`s1 ${grade}`],
      ]);
    }
  });

  test.each<[string, string[], string | null, { is_copy?: boolean }]>([
    ["six digits", [HASH.slice(0, 6)], minute(5), {}],
    ["another hash", [OTHER_HASH], minute(5), {}],
    ["no time", [HASH], null, {}],
    ["a copy of another session's call", [HASH], minute(5), { is_copy: true }],
  ])("is not told by %s", async (_, commits, at, fields) => {
    const event = change(5, []);
    await send(server, [start("s1", 0), event]);
    await committed(server, "s1", commits, at, fields);
    await match("s1");
    expect(await matchesOf(event)).toEqual(["s1 possible"]);
  });

  test("is not one of another workspace", async () => {
    const event = change(5, [], {}, { workspace_id: "github.com/acme/fork" });
    await send(server, [start("s1", 0), event]);
    await committed(server, "s1", [HASH], minute(5));
    await match("s1");
    expect(await matchesOf(event)).toEqual([]);
  });

  test("may be amended: each of the two is the session's", async () => {
    const [first, amended] = [change(5, []), change(6, [], { hash: OTHER_HASH })];
    await send(server, [start("s1", 0), first, amended]);
    await committed(server, "s1", [HASH.slice(0, 7)], minute(5));
    await committed(server, "s1", [OTHER_HASH.slice(0, 9)], minute(6));
    await match("s1");
    expect([await matchesOf(first), await matchesOf(amended)]).toEqual([["s1 exact"], ["s1 exact"]]);
  });

  test("stays with the session that its event names, and lists the other as well", async () => {
    const event = change(5, [], {}, { session_id: "s1" });
    await send(server, [start("s1", 0), start("child", 1), event]);
    await committed(server, "child", [HASH], minute(5));
    await match("child");
    expect(await matchesOf(event)).toEqual(["child exact", "s1 exact"]);
    expect(await sessionOf(event)).toBe("s1");
  });
});

describe("a commit of a file that a session wrote before", () => {
  test("is evidence, and the commits of a bot meanwhile are only possible", async () => {
    const [own, bot] = [change(5, ["src/a.ts", "src/b.ts"]), change(6, ["bun.lock"])];
    await send(server, [start("s1", 0), own, bot, commit(7), end("s1", 9)]);
    await wrote(server, "s1", "/repo/src/b.ts", minute(4));
    await match("s1");
    expect(await matchRows(server)).toEqual([["s1 evidence"], ["s1 possible"], ["s1 possible"]]);
    expect([await sessionOf(own), await sessionOf(bot)]).toEqual(["s1", null]);
    const [row] = await server.sql`SELECT why FROM git_matches WHERE grade = 'evidence'`;
    expect(row?.["why"]).toBe("the session wrote src/b.ts before");
  });

  test("is not told by a later write, another file, or a write that an earlier session made", async () => {
    const event = change(5, ["a.ts"]);
    await send(server, [start("s1", 0), start("fork", 0), event]);
    await wrote(server, "s1", "/repo/a.ts", minute(5.1));
    await wrote(server, "s1", "/repo/sub/a.ts", minute(4));
    await wrote(server, "s1", "/repo/ba.ts", minute(4));
    const copied = await wrote(server, "fork", "/repo/a.ts", minute(4));
    const call = await committed(server, "fork", [], minute(4), { is_copy: true });
    await server.sql`UPDATE tool_calls SET call_id = ${copied} WHERE call_id = ${call}`;
    await match("s1", "fork");
    expect(await matchesOf(event)).toEqual(["fork possible", "s1 possible"]);
  });

  test("is nothing outside the session's span, and on another device", async () => {
    const [after, elsewhere] = [change(11, ["a.ts"]), change(5, ["a.ts"], {}, { device_id: "desktop" })];
    await send(server, [start("s1", 0), end("s1", 10), after, elsewhere]);
    await wrote(server, "s1", "/repo/a.ts", minute(4));
    await match("s1");
    expect(await matchRows(server)).toEqual([[], []]);
  });

  test("belongs to the session that wrote last", async () => {
    const event = change(5, ["a.ts"]);
    await send(server, [start("s1", 0), start("s2", 1), event]);
    await wrote(server, "s1", "/repo/a.ts", minute(4));
    await wrote(server, "s2", "/repo/a.ts", minute(3));
    await match("s1", "s2");
    expect(await matchesOf(event)).toEqual(["s1 evidence", "s2 evidence"]);
    expect(await sessionOf(event)).toBe("s1");
  });

  test("is one of the session's own clone, where the device has two", async () => {
    const [first, second] = [start("s1", 0, { cwd: "/a/site" }), start("s2", 0, { cwd: "/b/site/web" })];
    const inA = change(5, ["web/a.ts"], { cwd: "/a/site" });
    const inB = change(6, ["web/a.ts"], { cwd: "/b/site" });
    await send(server, [first, second, inA, inB]);
    await wrote(server, "s1", "/a/site/web/a.ts", minute(4));
    await wrote(server, "s2", "/b/site/web/a.ts", minute(4));
    await match("s1", "s2");
    expect(await matchesOf(inA)).toEqual(["s1 evidence", "s2 possible"]);
    expect(await matchesOf(inB)).toEqual(["s1 possible", "s2 evidence"]);
  });

  test("is found by any directory in which the session worked, when the commit names none", async () => {
    const event = change(5, ["web/a.ts"]);
    await send(server, [start("s1", 0), start("s2", 0), event]);
    await workedIn(server, "s1", "/repo/.worktrees/x/web");
    await wrote(server, "s1", "/repo/.worktrees/x/web/a.ts", minute(4));
    await wrote(server, "s2", "/elsewhere/web/a.ts", minute(4));
    await match("s1", "s2");
    expect(await matchesOf(event)).toEqual(["s1 evidence", "s2 possible"]);
  });

  test("is found where the session's paths are relative to its directory", async () => {
    const [inFolder, elsewhere] = [change(5, ["web/src/a.ts"]), change(6, ["api/src/a.ts"])];
    const otherClone = change(7, ["web/src/a.ts"], { cwd: "/clone" });
    const sameClone = change(8, ["web/src/a.ts"], { cwd: "/repo/" });
    await send(server, [start("s1", 0, { cwd: "/repo/web" }), inFolder, elsewhere, otherClone, sameClone]);
    await wrote(server, "s1", "src/a.ts", minute(4));
    await match("s1");
    const grades = (await matchRows(server)).map(([match]) => match);
    expect(grades).toEqual(["s1 evidence", "s1 possible", "s1 possible", "s1 evidence"]);
  });

  test.each([[{ file_list: "a.ts" }], [{ file_list: [] }], [{ file_list: [7, null, {}] }]])(
    "is only possible where its list of files is %j",
    async (data) => {
      const event = { ...commit(5, {}, { merge_commit: HASH, ...data }), type: "git.merge" };
      await send(server, [
        start("s1", 0),
        { ...event, type: "git.checkout", data: { ...event.data, from_ref: "a", to_ref: "b" } },
      ]);
      await wrote(server, "s1", "/repo/a.ts", minute(4));
      await match("s1");
      expect(await server.sql`SELECT last_error FROM projection_queue`).toHaveLength(0);
      expect(await matchesOf(event)).toEqual(["s1 possible"]);
    },
  );
});

test("a weaker match never replaces a stronger one, and the next best stands when the stronger one goes", async () => {
  const event = change(5, ["a.ts"]);
  await send(server, [event, start("exact", 0), start("writer", 1), start("near", 2)]);
  await committed(server, "exact", [HASH], minute(5));
  await match("exact");
  await wrote(server, "writer", "/repo/a.ts", minute(4));
  await match("writer");
  await match("near");
  expect(await matchesOf(event)).toEqual(["exact exact"]);
  await server.request("DELETE", "/api/sessions/exact");
  expect(await matchesOf(event)).toEqual(["near possible", "writer evidence"]);
  expect(await sessionOf(event)).toBe("writer");
  await server.request("DELETE", "/api/sessions/writer");
  expect(await matchesOf(event)).toEqual(["near possible"]);
  expect(await sessionOf(event)).toBeNull();
  expect(await server.sql`SELECT FROM git_activity`).toHaveLength(1);
});

type Step = { name: string; run: () => Promise<unknown> };

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}

test("each order of arrival leads to the same matches", async () => {
  const exact = change(5, ["a.ts"]);
  const evidence = change(6, ["b.ts"], { hash: OTHER_HASH });
  const possible = change(7, ["c.ts"], { hash: OTHER_HASH });
  const late = change(12, ["b.ts"], { hash: OTHER_HASH });
  const steps: Step[] = [
    { name: "start", run: () => send(server, [start("s1", 0)]) },
    { name: "end", run: () => send(server, [end("s1", 10)]) },
    { name: "commits", run: () => send(server, [exact, evidence, possible, late]) },
    {
      name: "transcript",
      run: async () => {
        await send(server, [toolUse("s1", 2)]);
        await committed(server, "s1", [HASH.slice(0, 8)], minute(5));
        await wrote(server, "s1", "/repo/b.ts", minute(4));
        await match("s1");
      },
    },
    { name: "another session", run: () => send(server, [start("s2", 1), end("s2", 8)]) },
  ];
  for (const order of permutations(steps)) {
    for (const { run } of order) await run();
    const names = order.map(({ name }) => name).join(", ");
    expect([names, ...(await matchRows(server))]).toEqual([
      names,
      ["s1 exact"],
      ["s1 evidence", "s2 possible"],
      ["s1 possible", "s2 possible"],
      [],
    ]);
    const sessions = await server.sql`SELECT session_id FROM git_activity ORDER BY timestamp`;
    expect(sessions.map((row) => row["session_id"])).toEqual(["s1", "s1", null, null]);
    await server.request("DELETE", "/api/sessions/s1");
    await server.request("DELETE", "/api/sessions/s2");
    await server.sql`DELETE FROM git_activity`;
    await server.sql`DELETE FROM events`;
    await server.sql`DELETE FROM session_tombstones`;
    server.current().ingest.forget();
  }
});

test("two processes that match at once while a transcript arrives agree in the end", async () => {
  const commits = Array.from({ length: 20 }, (_, n) =>
    change(n + 1, [`${n}.ts`], { hash: `${n + 10}${HASH}`.slice(0, 40) }),
  );
  await send(server, [start("s1", 0), start("s2", 0), ...commits]);
  const { ingest, edits } = server.current().pools;
  const running = Array.from({ length: 12 }, (_, n) =>
    matchSessions(n % 2 === 0 ? ingest : edits, n % 3 === 0 ? ["s1"] : ["s2", "s1"]),
  );
  const arriving = commits.map(async (_, n) => {
    await wrote(server, n % 2 === 0 ? "s1" : "s2", `/repo/${n}.ts`, minute(0.5));
    await matchSessions(n % 2 === 0 ? edits : ingest, [n % 2 === 0 ? "s1" : "s2"]);
  });
  await Promise.all([...running, ...arriving]);
  expect(await matchRows(server)).toEqual(
    commits.map((_, n) => (n % 2 === 0 ? ["s1 evidence", "s2 possible"] : ["s1 possible", "s2 evidence"])),
  );
  expect(await server.sql`SELECT FROM projection_queue`).toHaveLength(0);
});

describe("a commit that replaced another", () => {
  const THIRD_HASH = `8${HASH.slice(1)}`;
  const rewrite = (at: number, ...pairs: [string, string][]): SentEvent => ({
    ...commit(at),
    type: "git.rewrite",
    data: { kind: "rebase", pairs: pairs.map(([before, after]) => ({ old: before, new: after })) },
  });
  const first = () => change(5, []);
  const second = () => change(500, [], { hash: OTHER_HASH });

  test("is evidence of the session of the one that it replaced, in each order of arrival", async () => {
    const [old, fresh] = [first(), second()];
    const arrivals = [
      () => send(server, [start("s1", 0), end("s1", 10)]),
      () => send(server, [old]),
      () => send(server, [fresh]),
      () => send(server, [rewrite(501, [HASH, OTHER_HASH])]),
      async () => {
        await committed(server, "s1", [HASH.slice(0, 7)], minute(5));
        await match("s1");
      },
    ];
    for (const order of [arrivals, [...arrivals.slice(0, 1), ...arrivals.slice(1).toReversed()]]) {
      for (const arrive of order) await arrive();
      expect([await matchesOf(old), await matchesOf(fresh)]).toEqual([["s1 exact"], ["s1 evidence"]]);
      expect(await sessionOf(fresh)).toBe("s1");
      const [row] = await server.sql`SELECT why FROM git_matches WHERE git_activity_id = ${fresh.id}`;
      expect(row?.["why"]).toBe(`replaces commit ${HASH}`);
      await clearRows(server.sql);
    }
  });

  test("may itself be replaced, also by a circle, and loses the session when the first one does", async () => {
    const [old, fresh, last] = [first(), second(), change(600, [], { hash: THIRD_HASH })];
    await send(server, [start("s1", 0), end("s1", 10), old, fresh, last]);
    await send(server, [
      rewrite(601, [HASH, OTHER_HASH], [OTHER_HASH, THIRD_HASH], [THIRD_HASH, OTHER_HASH]),
    ]);
    expect([await matchesOf(fresh), await matchesOf(last)]).toEqual([[], []]);
    await committed(server, "s1", [HASH], minute(5));
    await match("s1");
    expect([await matchesOf(fresh), await matchesOf(last)]).toEqual([["s1 evidence"], ["s1 evidence"]]);
    await server.sql`DELETE FROM tool_calls`;
    await match("s1");
    expect([await matchesOf(old), await matchesOf(fresh), await matchesOf(last)]).toEqual([
      ["s1 possible"],
      [],
      [],
    ]);
  });

  test("is none in another workspace, and keeps what is exact", async () => {
    const [old, fresh] = [
      first(),
      change(500, [], { hash: OTHER_HASH }, { workspace_id: "github.com/acme/fork" }),
    ];
    await send(server, [start("s1", 0), end("s1", 10), old, fresh, rewrite(501, [HASH, OTHER_HASH])]);
    await committed(server, "s1", [HASH], minute(5));
    await match("s1");
    expect(await matchesOf(fresh)).toEqual([]);
    const named = change(700, [], { hash: THIRD_HASH }, { session_id: "s2" });
    await send(server, [start("s2", 690), named, rewrite(701, [HASH, THIRD_HASH])]);
    expect(await matchesOf(named)).toEqual(["s2 exact"]);
  });
});
