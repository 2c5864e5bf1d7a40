import { beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
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

describe("commits that no git hook reported", () => {
  const PRINTED = [
    ["1a2b3c4", "main", "Begin", `[main (root-commit) 1a2b3c4] Begin\n 1 file changed`],
    [
      "2b3c4d5e",
      "fix/log",
      "Write a log, [again] 3c4d5e6",
      "noise\n[fix/log 2b3c4d5e] Write a log, [again] 3c4d5e6",
    ],
    ["4d5e6f7", "detached HEAD", "Fix", `[detached HEAD 4d5e6f7] Fix\n`],
  ] as const;
  const get = async (path: string) => {
    const { status, body } = await server.request("GET", path);
    expect([path, status]).toEqual([path, 200]);
    return body;
  };
  const listed = async (query = "") => (await get(`/api/sessions/s1/git?${query}`)).git_activity;
  const hashes = (list: { commit_sha: string; is_only_printed: boolean }[]) =>
    list.map(({ commit_sha, is_only_printed }) => `${commit_sha}${is_only_printed ? " printed" : ""}`);
  const found = async (sha: string) =>
    (await get(`/api/commits/${sha}`)).commits.flatMap(({ git_activity, sessions }: Found) =>
      sessions.map(({ session, grade }) => `${git_activity.commit_sha} ${session.id} ${grade}`),
    );
  type Found = {
    git_activity: { commit_sha: string };
    sessions: { session: { id: string }; grade: string }[];
  };

  beforeEach(async () => {
    await send(server, [start("s1", 0)]);
    const calls = PRINTED.map(([, , , output], at) =>
      call(at + 2, "Bash", { command: "git commit" }, output),
    );
    await store(...calls, call(6, "Bash", { command: "git log" }, "[main 5e6f708] Theirs\n"));
    await parse();
  });

  test("are in the session's list as git printed them, each that its facts count", async () => {
    const list = await listed();
    expect(list).toMatchObject(
      PRINTED.map(([commit_sha, branch, message], at) => ({
        ...{ type: "commit", commit_sha, branch, message, session_match: "exact", is_only_printed: true },
        ...{ session_id: "s1", timestamp: minute(at + 2 + 1 / 60).replace("Z", "000Z") },
      })),
    );
    const { session } = await get("/api/sessions/s1");
    expect(session.transcript.commits).toEqual(PRINTED.map(([sha]) => sha));
    expect(await listed("match=evidence,possible")).toEqual([]);
    const page = await get("/api/sessions/s1/git?limit=2");
    const next = await get(`/api/sessions/s1/git?limit=2&cursor=${page.next_cursor}`);
    expect([...page.git_activity, ...next.git_activity]).toEqual(list);
  });

  test("are found by their whole hash and by any beginning", async () => {
    for (const sha of ["2b3c4d5", "2b3c4d5e", "2b3c4d5e".repeat(5)])
      expect(await found(sha)).toEqual(["2b3c4d5e s1 exact"]);
    const { commits } = await get("/api/commits/2b3c4d5");
    expect(commits[0].is_only_printed).toBe(true);
    expect(commits[0].sessions[0].why).toMatch(
      /^call toolu_\d+ printed 2b3c4d5e; no git hook .* reported it$/,
    );
    for (const sha of ["2b3c4d5f", `2b3c4d5f${"0".repeat(32)}`, "5e6f708"])
      expect(await found(sha)).toEqual([]);
  });

  test("are one commit with the one that a git hook reports later", async () => {
    await send(server, [
      commit(2, {}, { hash: MADE }),
      commit(3, { workspace_id: "other" }, { hash: CHANGED }),
    ]);
    expect(hashes(await listed())).toEqual([MADE, "2b3c4d5e printed", "4d5e6f7 printed"]);
    expect(await found(MADE)).toEqual([`${MADE} s1 exact`]);
    expect(await found(MADE.slice(0, 7))).toEqual([`${MADE} s1 exact`]);
  });

  test("are of no session that only copied them, and of none that is deleted", async () => {
    await server.sql`UPDATE tool_calls SET is_copy = true WHERE commits = '{4d5e6f7}'`;
    expect(hashes(await listed())).toEqual(["1a2b3c4 printed", "2b3c4d5e printed"]);
    expect(await found("4d5e6f7")).toEqual([]);
    // The texts go by retention: what was printed is no longer known.
    await server.sql`UPDATE content_blocks SET result_text = NULL`;
    expect(await listed()).toMatchObject([{ branch: null, message: null }, { branch: null }]);
    await server.request("DELETE", "/api/sessions/s1");
    expect(await found("1a2b3c4")).toEqual([]);
  });
});
