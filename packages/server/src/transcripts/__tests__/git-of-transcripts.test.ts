import { expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import { createPostgresBlobStore } from "../../blobs/postgres-store.ts";
import { commit, end, minute, send, start } from "../../ingest/__tests__/event-factory.ts";
import { matchRows } from "../../ingest/__tests__/git-match-rows.ts";
import { parseSession } from "../parse/parse-session.ts";
import { storeFile } from "./store-file.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);
const server = setupApp();
const HASHES = ["1a2b3c4d", "2b3c4d5e", "3c4d5e6f", "4d5e6f70"].map((digits) => digits.repeat(5));
const [MADE = "", LOGGED = "", CHANGED = "", OTHER = ""] = HASHES;
let lines = 0;

/** A call of Claude Code and its result, as two lines. */
function call(at: number, name: string, input: object, output: string): string {
  lines += 1;
  const line = (role: "user" | "assistant", content: object, seconds: number) =>
    JSON.stringify({
      type: role,
      uuid: `${role}-${lines}`,
      parentUuid: null,
      sessionId: "s1",
      cwd: "/repo",
      timestamp: minute(at + seconds / 60),
      message: { id: `msg-${lines}`, role, content: [content] },
    });
  const id = `toolu_${lines}`;
  return `${line("assistant", { type: "tool_use", id, name, input }, 0)}\n${line("user", { type: "tool_result", tool_use_id: id, content: output }, 1)}\n`;
}

const TRANSCRIPT = [
  call(2, "Bash", { command: "git commit -m Fix" }, `[main ${MADE.slice(0, 7)}] Fix\n 1 file changed`),
  call(3, "Bash", { command: "git log -1 && cat notes" }, `[main ${LOGGED.slice(0, 7)}] Theirs\n`),
  call(4, "Edit", { file_path: "/repo/src/a.ts", old_string: "a", new_string: "b" }, "done"),
];

const changed = [{ path: "src/a.ts", status: "M" }];
const COMMITS = [
  commit(2, {}, { hash: MADE }),
  commit(3, {}, { hash: LOGGED }),
  commit(5, {}, { hash: CHANGED, file_list: changed }),
  commit(6, {}, { hash: OTHER, file_list: [{ path: "bun.lock", status: "M" }] }),
];
const GRADES = [["s1 exact"], ["s1 possible"], ["s1 evidence"], ["s1 possible"]];

async function store(...parts: string[]): Promise<void> {
  const blobs = createPostgresBlobStore(server.current().pools.ingest);
  await storeFile(server.sql, blobs, { session_id: "s1", agent: "claude-code", parts });
}

const parse = async () => {
  const database = server.current().pools.ingest;
  await parseSession({ database, blobs: createPostgresBlobStore(database) }, "s1");
};

test("a commit is matched by the command that made it, or the files that the session wrote, as its transcript shows", async () => {
  await send(server, [start("s1", 0), end("s1", 10), ...COMMITS]);
  expect(await matchRows(server)).toEqual(COMMITS.map(() => ["s1 possible"]));
  await store(...TRANSCRIPT);
  await parse();
  expect(await matchRows(server)).toEqual(GRADES);
});

test("the transcript may come first, and in parts", async () => {
  await send(server, [start("s1", 0)]);
  for (const part of TRANSCRIPT) {
    await store(part);
    await parse();
  }
  await send(server, [...COMMITS, end("s1", 10)]);
  expect(await matchRows(server)).toEqual(GRADES);
});

test("a commit that cannot be matched at the end of a parse run is retried by itself", async () => {
  await send(server, [start("s1", 0), ...COMMITS]);
  await store(...TRANSCRIPT);
  await server.sql.unsafe(
    "ALTER TABLE git_matches ADD CONSTRAINT no_exact CHECK (grade <> 'exact') NOT VALID",
  );
  try {
    await parse();
  } finally {
    await server.sql.unsafe("ALTER TABLE git_matches DROP CONSTRAINT no_exact");
  }
  // The commit that could not be matched waits in the queue with its reason.
  const queued = await server.sql`SELECT event_ids FROM projection_queue WHERE last_error IS NOT NULL`;
  expect([...queued]).toEqual([{ event_ids: [COMMITS[0]?.id] }]);
});
