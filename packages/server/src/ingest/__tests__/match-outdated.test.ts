import { expect, test } from "bun:test";
import pino from "pino";
import { setupApp } from "../../__tests__/setup-app.ts";
import { matchOutdated } from "../match-git.ts";
import { retryProjections } from "../retry-projections.ts";
import { commit, minute, send, start } from "./event-factory.ts";
import { matchRows } from "./git-match-rows.ts";

const server = setupApp();
const silent = pino({ level: "silent" });

/** As the version before leaves it: matched by time, without matches. */
async function storeAsBefore(commits: number): Promise<void> {
  const named = commit(50, { session_id: "s1" });
  await send(server, [start("s1", 0), ...Array.from({ length: commits }, (_, n) => commit(n + 1)), named]);
  await server.sql`DELETE FROM git_matches`;
  await server.sql`UPDATE git_activity SET session_id = 's1', matched_to = NULL`;
}

const sessions = async () =>
  (await server.sql`SELECT session_id FROM git_activity ORDER BY timestamp`).map((row) => row["session_id"]);

test("git activity that the version before matched by time becomes possible, and what named its session exact", async () => {
  await storeAsBefore(2);
  const before = await server.request("GET", "/api/sessions/s1/git?limit=2");
  const grades = ({ body }: typeof before) =>
    body.git_activity.map((row: { session_match: string }) => row.session_match);
  expect([grades(before), before.body.has_more]).toEqual([["possible", "possible"], true]);
  expect(grades(await server.request("GET", "/api/sessions/s1/git?match=exact"))).toEqual(["exact"]);
  await retryProjections(server.current().pools.ingest, silent);
  expect(await matchRows(server)).toEqual([["s1 possible"], ["s1 possible"], ["s1 exact"]]);
  expect(await sessions()).toEqual([null, null, "s1"]);
  expect(grades(await server.request("GET", "/api/sessions/s1/git"))).toEqual([
    "possible",
    "possible",
    "exact",
  ]);
});

test("what a process of the version before writes during a rolling deployment is matched again", async () => {
  await send(server, [start("s1", 0), commit(1)]);
  await server.sql`UPDATE git_activity SET session_id = 's1'`;
  await server.sql`
    INSERT INTO git_activity (id, workspace_id, device_id, session_inferred, type, timestamp)
    SELECT 'stored before', workspace_id, device_id, true, 'commit', ${minute(2)} FROM sessions`;
  await matchOutdated(server.current().pools.ingest, silent, () => true);
  expect(await matchRows(server)).toEqual([["s1 possible"], ["s1 possible"]]);
  expect(await sessions()).toEqual([null, null]);
  const outdated = await server.sql`
    SELECT FROM git_activity WHERE matched_to IS DISTINCT FROM coalesce(session_id, '')`;
  expect(outdated).toHaveLength(0);
});

test("ends when its time is used up, continues later, and is not stopped by a row that cannot be matched", async () => {
  await storeAsBefore(3);
  const { ingest } = server.current().pools;
  await matchOutdated(ingest, silent, () => false);
  expect((await matchRows(server)).flat()).toEqual([]);
  const [bad] = await server.sql`SELECT id FROM git_activity ORDER BY id LIMIT 1`;
  await server.sql.unsafe(
    `ALTER TABLE git_matches ADD CONSTRAINT bad CHECK (git_activity_id <> '${bad?.["id"]}')`,
  );
  try {
    await matchOutdated(ingest, silent, () => true);
    expect((await matchRows(server)).flat()).toHaveLength(3);
  } finally {
    await server.sql`ALTER TABLE git_matches DROP CONSTRAINT bad`;
  }
  await matchOutdated(ingest, silent, () => true);
  expect((await matchRows(server)).flat()).toHaveLength(4);
});
