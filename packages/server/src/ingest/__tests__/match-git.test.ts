import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { findMatchable } from "../../db/projections/git-matches.ts";
import { queueSessions } from "../../db/projections/projection-queue.ts";
import { StorageError } from "../../errors.ts";
import { matchGit, matchQueued, matchSessions } from "../match-git.ts";
import { anEvent, commit, minute, send, start } from "./event-factory.ts";
import { matchRows } from "./git-match-rows.ts";

const server = setupApp();
const UNAVAILABLE = new StorageError("the database is unavailable", "STORAGE_UNAVAILABLE");

const matched = () => matchRows(server);
const howManyMatched = async () => (await matched()).filter((matches) => matches.length > 0).length;
const ofS1 = (commits: number) => Array.from({ length: commits }, () => ["s1 possible"]);

/** As if nothing had been matched. */
async function forgetMatches(): Promise<void> {
  await server.sql`DELETE FROM git_matches`;
}

/** Runs `action` while matches of this commit are refused. */
async function refusing(id: string, action: () => Promise<unknown>): Promise<void> {
  await server.sql.unsafe(
    `ALTER TABLE git_matches ADD CONSTRAINT no_match CHECK (git_activity_id <> '${id}')`,
  );
  try {
    await action();
  } finally {
    await server.sql`ALTER TABLE git_matches DROP CONSTRAINT no_match`;
  }
}

test("a session with more commits than one statement may match gets all of them", async () => {
  await send(server, [start("s1", 0), ...Array.from({ length: 7 }, (_, n) => commit(n + 1))]);
  await forgetMatches();
  await matchGit(server.current().pools.ingest, [], ["s1"], { statement_max: 2 });
  expect(await matched()).toEqual(ofS1(7));
});

test("what one statement has matched stays matched when a later one fails", async () => {
  await send(server, [start("s1", 0), ...Array.from({ length: 4 }, (_, n) => commit(n + 1))]);
  await forgetMatches();
  const writes = server.current().pools.ingest;
  let queries = 0;
  const failing: typeof writes = {
    ...writes,
    run: (query) => {
      queries += 1;
      return queries > 2 ? Promise.reject(UNAVAILABLE) : writes.run(query);
    },
  };
  await expect(matchGit(failing, [], ["s1"], { statement_max: 2 })).rejects.toThrow("unavailable");
  expect(await howManyMatched()).toBe(2);
});

test("a commit after very many short sessions is compared with the latest of them alone", async () => {
  const event = commit(5_000);
  await send(server, [start("open", 0), event]);
  expect(await matched()).toEqual([["open possible"]]);
  await server.sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at, ended_at, lifecycle)
    SELECT 'short-' || n, workspace_id, device_id, ${minute(1)}::timestamptz + n * interval '1 second',
      ${minute(1)}::timestamptz + n * interval '1 second', 'ended'
    FROM sessions, generate_series(1, 1000) AS n WHERE id = 'open'`;
  await matchGit(server.current().pools.ingest, [event.id], []);
  expect(await matched()).toEqual([[]]);
});

test("a session that holds more than is matched at once is queued once, and matched portion by portion", async () => {
  await send(server, [start("s1", 0), ...Array.from({ length: 5 }, (_, n) => commit(n + 1))]);
  await forgetMatches();
  const writes = server.current().pools.ingest;
  const { crowded } = await matchGit(writes, [], ["s1"], { at_once_max: 3 });
  expect(crowded).toEqual(["s1"]);
  expect(await howManyMatched()).toBe(0);
  const [queued] = await writes.run((sql) => queueSessions(sql, crowded));
  if (queued === undefined) throw new Error("the session is not queued");
  const [next] = await matchQueued(writes, [queued], { at_once_max: 3 });
  expect(await howManyMatched()).toBe(3);
  if (next === undefined) throw new Error("nothing is left");
  // It changes meanwhile: it is matched from the beginning afterwards.
  expect(await writes.run((sql) => queueSessions(sql, ["s1"]))).toEqual([next]);
  expect(await matchQueued(writes, [next], { at_once_max: 3 })).toEqual([queued]);
  expect(await matched()).toEqual(ofS1(5));
  expect(await matchQueued(writes, [queued])).toEqual([]);
  expect(await server.sql`SELECT FROM projection_queue WHERE session_id IS NOT NULL`).toHaveLength(0);
});

test("many queued sessions are matched together, and what fails is queued with its reason", async () => {
  const names = ["s1", "s2", "s3", "s4"];
  const on = (n: number) => ({ device_id: `device-${n}` });
  const commits = names.map((_, n) => commit(1, on(n)));
  await send(server, [...names.map((id, n) => start(id, 0, {}, on(n))), ...commits]);
  await forgetMatches();
  const bad = commits[1]?.id ?? "";
  await refusing(bad, async () => {
    const writes = server.current().pools.ingest;
    const queued = await writes.run((sql) => queueSessions(sql, names));
    const left = await matchQueued(writes, queued, { at_once_max: 2 });
    expect(left.map(({ session_id }) => session_id).sort()).toEqual(["s3", "s4"]);
    expect(await matchQueued(writes, left, { at_once_max: 2 })).toEqual([]);
  });
  expect(await howManyMatched()).toBe(3);
  const failed = await server.sql`SELECT event_ids, attempts, session_id FROM projection_queue`;
  expect([...failed]).toEqual([{ event_ids: [bad], attempts: 1, session_id: null }]);
});

test("a session that changes has only those commits compared again that do not name it", async () => {
  const [naming, other] = [commit(1, { session_id: "s1" }), commit(2)];
  await send(server, [start("s1", 0), start("s2", 0, {}, { device_id: "device-2" }), naming, other]);
  const writes = server.current().pools.ingest;
  expect(await writes.run((sql) => findMatchable(sql, [], ["s1"], 10))).toEqual([other.id]);
  expect(await writes.run((sql) => findMatchable(sql, [naming.id], ["s2"], 10))).toEqual([naming.id]);
});

test("commits beyond those that are matched at once are left", async () => {
  const commits = Array.from({ length: 5 }, (_, n) => commit(n + 1));
  await send(server, [start("s1", 0), ...commits]);
  await forgetMatches();
  const writes = server.current().pools.ingest;
  const ids = commits.map(({ id }) => id);
  const { unmatched } = await matchGit(writes, ids, [], { at_once_max: 3 });
  expect(unmatched).toHaveLength(2);
  expect((await matchGit(writes, unmatched, [])).unmatched).toEqual([]);
  expect(await matched()).toEqual(ofS1(5));
});

test.each([
  ["abc", null],
  [{ a: 1 }, null],
  [true, null],
  [-99_999_999_999, -2_147_483_648],
  [1e300, 2_147_483_647],
  [3.4, 3],
])("a figure %j of a git event without a schema for it is stored as %j", async (insertions, stored) => {
  const data = { branch: "main", remote: "origin", commit_count: 1, insertions };
  const event = anEvent({ type: "git.push", timestamp: minute(1), data });
  await send(server, [event]);
  expect(await server.sql`SELECT last_error FROM projection_queue`).toHaveLength(0);
  const [row] = await server.sql`SELECT insertions FROM git_activity WHERE id = ${event.id}`;
  expect(row?.["insertions"]).toBe(stored);
});

test("git activity that cannot be matched is queued by itself with the reason, and the rest is matched", async () => {
  const commits = Array.from({ length: 5 }, (_, n) => commit(n + 1));
  await send(server, [start("s1", 0), ...commits]);
  await forgetMatches();
  const bad = commits[2]?.id ?? "";
  await refusing(bad, () => matchSessions(server.current().pools.ingest, ["s1"]));
  expect(await howManyMatched()).toBe(4);
  const queued = await server.sql`SELECT event_ids, attempts FROM projection_queue`;
  expect([...queued]).toEqual([{ event_ids: [bad], attempts: 1 }]);
});
