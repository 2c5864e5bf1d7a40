import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { StorageError } from "../../errors.ts";
import { matchGit, matchSessions } from "../match-git.ts";
import { commit, minute, send, start } from "./event-factory.ts";

const server = setupApp();
const UNAVAILABLE = new StorageError("the database is unavailable", "STORAGE_UNAVAILABLE");

async function sessionsOfCommits(): Promise<(string | null)[]> {
  const rows = await server.sql<
    { session_id: string | null }[]
  >`SELECT session_id FROM git_activity ORDER BY id`;
  return rows.map(({ session_id }) => session_id);
}

test("a session with more commits than one statement may match gets all of them", async () => {
  await send(server, [start("s1", 0), ...Array.from({ length: 7 }, (_, n) => commit(n + 1))]);
  await server.sql`UPDATE git_activity SET session_id = NULL`;
  await matchGit(server.current().pools.ingest, [], ["s1"], { statement_max: 2 });
  expect(await sessionsOfCommits()).toEqual(Array.from({ length: 7 }, () => "s1"));
});

test("what one statement has matched stays matched when a later one fails", async () => {
  await send(server, [start("s1", 0), ...Array.from({ length: 4 }, (_, n) => commit(n + 1))]);
  await server.sql`UPDATE git_activity SET session_id = NULL`;
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
  expect((await sessionsOfCommits()).filter((id) => id === "s1")).toHaveLength(2);
});

test("a commit after very many short sessions is compared with the latest of them alone", async () => {
  const event = commit(5_000);
  await send(server, [start("open", 0), event]);
  expect(await sessionsOfCommits()).toEqual(["open"]);
  await server.sql`
    INSERT INTO sessions (id, workspace_id, device_id, started_at, ended_at, lifecycle)
    SELECT 'short-' || n, workspace_id, device_id, ${minute(1)}::timestamptz + n * interval '1 second',
      ${minute(1)}::timestamptz + n * interval '1 second', 'ended'
    FROM sessions, generate_series(1, 1000) AS n WHERE id = 'open'`;
  await matchGit(server.current().pools.ingest, [event.id], []);
  expect(await sessionsOfCommits()).toEqual([null]);
});

test("more than is matched at once is left, and nothing is matched twice", async () => {
  await send(server, [start("s1", 0), ...Array.from({ length: 5 }, (_, n) => commit(n + 1))]);
  await server.sql`UPDATE git_activity SET session_id = NULL`;
  const writes = server.current().pools.ingest;
  const { unmatched } = await matchGit(writes, [], ["s1"], { at_once_max: 3 });
  expect(unmatched).toHaveLength(2);
  expect((await sessionsOfCommits()).filter((id) => id === "s1")).toHaveLength(3);
  expect((await matchGit(writes, unmatched, [])).unmatched).toEqual([]);
  expect(await sessionsOfCommits()).toEqual(Array.from({ length: 5 }, () => "s1"));
});

test("git activity that cannot be matched is queued by itself with the reason, and the rest is matched", async () => {
  const commits = Array.from({ length: 5 }, (_, n) => commit(n + 1));
  await send(server, [start("s1", 0), ...commits]);
  await server.sql`UPDATE git_activity SET session_id = NULL`;
  const bad = commits[2]?.id ?? "";
  await server.sql.unsafe(
    `ALTER TABLE git_activity ADD CONSTRAINT no_match CHECK (id <> '${bad}' OR session_id IS NULL)`,
  );
  try {
    await matchSessions(server.current().pools.ingest, ["s1"]);
  } finally {
    await server.sql`ALTER TABLE git_activity DROP CONSTRAINT no_match`;
  }
  expect((await sessionsOfCommits()).filter((id) => id === "s1")).toHaveLength(4);
  const queued = await server.sql`SELECT event_ids, attempts FROM projection_queue`;
  expect([...queued]).toEqual([{ event_ids: [bad], attempts: 1 }]);
});
