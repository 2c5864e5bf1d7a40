import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { matchGit } from "../match-git.ts";
import { commit, minute, send, start } from "./event-factory.ts";

const server = setupApp();

async function sessionsOfCommits(): Promise<(string | null)[]> {
  const rows = await server.sql<
    { session_id: string | null }[]
  >`SELECT session_id FROM git_activity ORDER BY id`;
  return rows.map(({ session_id }) => session_id);
}

test("a session with more commits than one statement may match gets all of them", async () => {
  await send(server, [start("s1", 0), ...Array.from({ length: 7 }, (_, n) => commit(n + 1))]);
  await server.sql`UPDATE git_activity SET session_id = NULL`;
  await matchGit(server.current().writes, [], ["s1"], 2);
  expect(await sessionsOfCommits()).toEqual(Array.from({ length: 7 }, () => "s1"));
});

test("what one statement has matched stays matched when a later one fails", async () => {
  await send(server, [start("s1", 0), ...Array.from({ length: 4 }, (_, n) => commit(n + 1))]);
  await server.sql`UPDATE git_activity SET session_id = NULL`;
  const { writes } = server.current();
  let queries = 0;
  const failing: typeof writes = {
    ...writes,
    run: (query) => {
      queries += 1;
      return queries > 2 ? Promise.reject(new Error("the database is unavailable")) : writes.run(query);
    },
  };
  await expect(matchGit(failing, [], ["s1"], 2)).rejects.toThrow("unavailable");
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
  await matchGit(server.current().writes, [event.id], []);
  expect(await sessionsOfCommits()).toEqual([null]);
});
