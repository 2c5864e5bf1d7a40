import { describe, expect, test } from "bun:test";
import pino from "pino";
import { setupApp } from "../../__tests__/setup-app.ts";
import type { Database } from "../../db/database.ts";
import { StorageError } from "../../errors.ts";
import { createGitMatcher } from "../git-matcher.ts";
import { repairAtBoot, repairIngest } from "../repair.ts";
import { commit, send, start } from "./event-factory.ts";

const server = setupApp();
const silent = pino({ level: "silent" });

/** A commit of a session, as a process leaves it that dies after the flush and before the matching. */
async function leaveUnmatched(): Promise<void> {
  await send(server, [start("s1", 0), commit(1)]);
  await server.sql`UPDATE git_activity SET session_id = NULL`;
}

async function matchedSession(): Promise<string | null | undefined> {
  const [row] = await server.sql<{ session_id: string | null }[]>`SELECT session_id FROM git_activity`;
  return row?.session_id;
}

describe("git activity that a process left unmatched when it died", () => {
  test("is matched by the job", async () => {
    await leaveUnmatched();
    await repairIngest(server.current().writes, silent);
    expect(await matchedSession()).toBe("s1");
  });

  test("is matched at boot, however long ago the process died", async () => {
    await leaveUnmatched();
    await server.sql`UPDATE change_log SET created_at = now() - interval '20 hours'`;
    await repairIngest(server.current().writes, silent);
    expect(await matchedSession()).toBe(null);
    await repairAtBoot(server.current().writes, silent);
    expect(await matchedSession()).toBe("s1");
  });

  test("is left alone when nothing is in the log of changes", async () => {
    await leaveUnmatched();
    await server.sql`DELETE FROM change_log`;
    await repairAtBoot(server.current().writes, silent);
    expect(await matchedSession()).toBe(null);
  });
});

test("git activity whose matching failed is matched after the next round that does not fail", async () => {
  await leaveUnmatched();
  const { writes } = server.current();
  let isAway = true;
  const database: Database = {
    ...writes,
    run: (query) =>
      isAway ? Promise.reject(new StorageError("away", "STORAGE_UNAVAILABLE")) : writes.run(query),
  };
  const matcher = createGitMatcher({ database });
  const [row] = await server.sql<{ id: string }[]>`SELECT id FROM git_activity`;
  await matcher.match([row?.id ?? ""], []);
  expect(await matchedSession()).toBe(null);
  isAway = false;
  await matcher.match([], []);
  expect(await matchedSession()).toBe("s1");
});

test("a repair that fails keeps no server from starting, and says so in the log", async () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(line) });
  const slow: Database = {
    ...server.current().writes,
    run: () =>
      Promise.reject(new StorageError("The database did not answer within 10 ms.", "STORAGE_TIMEOUT")),
  };
  await repairAtBoot(slow, logger);
  expect(lines.join("")).toContain("is tried again by a job");
});
