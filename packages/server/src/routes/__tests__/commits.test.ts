import { describe, expect, test } from "bun:test";
import { at, gitCommit, ingest, sessionEnd, sessionStart } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { wrote } from "../../ingest/__tests__/transcript-rows.ts";
import { matchSessions } from "../../ingest/match-git.ts";

const server = setupApp();
const HASH = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";

/** Of each commit its id, and its sessions with their grades. */
async function find(sha: string): Promise<[string, string[]][]> {
  const { status, body } = await server.request("GET", `/api/commits/${sha}`);
  expect(status).toBe(200);
  return body.commits.map((commit: { git_activity: { id: string }; sessions: Found[] }) => [
    commit.git_activity.id,
    commit.sessions.map(({ session, grade }) => `${session.id} ${grade}`),
  ]);
}
type Found = { session: { id: string }; grade: string };

describe("GET /api/commits/:sha", () => {
  test("gives the commits that a prefix begins, the sessions of each and the reasons, the best first", async () => {
    const file_list = [{ path: "a.ts", status: "M" }];
    const own = gitCommit({ timestamp: at(5), data: { hash: HASH, file_list } });
    const named = gitCommit({
      session_id: "late",
      timestamp: at(6),
      data: { hash: `${HASH.slice(0, 8)}${"0".repeat(32)}` },
    });
    const other = gitCommit({ timestamp: at(7), data: { hash: `1a2b3c5${HASH.slice(7)}` } });
    await ingest(server, [
      sessionStart("early", { timestamp: at(0) }),
      sessionStart("late", { timestamp: at(1) }),
      sessionEnd("late", { timestamp: at(9) }),
      own,
      named,
      other,
    ]);
    await wrote(server, "early", "/home/ada/site/a.ts", at(3));
    await matchSessions(server.current().pools.ingest, ["early"]);
    expect(await find(HASH.slice(0, 7).toUpperCase())).toEqual([
      [named.id, ["late exact"]],
      [own.id, ["early evidence", "late possible"]],
    ]);
    expect(await find(HASH)).toEqual([[own.id, ["early evidence", "late possible"]]]);
    const { body } = await server.request("GET", `/api/commits/${HASH}`);
    expect(body.commits[0].sessions[0]).toMatchObject({
      session: { id: "early", workspace_name: "site" },
      grade: "evidence",
      why: "the session wrote a.ts before",
    });
    expect(body.commits[0].git_activity).toMatchObject({ commit_sha: HASH, session_id: "early" });
    await server.request("DELETE", "/api/sessions/early");
    expect(await find(HASH)).toEqual([[own.id, ["late possible"]]]);
  });

  test("gives the last twenty of many, and nothing for an unknown hash", async () => {
    const commits = Array.from({ length: 25 }, (_, n) =>
      gitCommit({ timestamp: at(n), data: { hash: HASH } }),
    );
    await ingest(server, commits);
    const found = await find(HASH.slice(0, 10));
    expect(found.map(([id]) => id)).toEqual(
      commits
        .map(({ id }) => id)
        .reverse()
        .slice(0, 20),
    );
    expect(await find("f".repeat(40))).toEqual([]);
  });

  test.each(["1a2b3c", "1a2b3c4z", "HEAD~1aa", "a".repeat(65), "%25%25%25%25%25%25%25"])(
    "refuses %s",
    async (sha) => {
      const { status, body } = await server.request("GET", `/api/commits/${sha}`);
      expect([status, body.code, body.errors[0].pointer]).toEqual([400, "VALIDATION_FAILED", "/sha"]);
    },
  );
});

describe("GET /api/commits", () => {
  test("lists the commits and merges of a workspace in pages, each with its sessions", async () => {
    const commits = [1, 2, 3].map((n) => gitCommit({ timestamp: at(n), data: { hash: `${n}`.repeat(40) } }));
    const elsewhere = gitCommit({ timestamp: at(4), workspace_id: "github.com/acme/other" });
    await ingest(server, [sessionStart("s", { timestamp: at(0) }), ...commits, elsewhere]);
    const ids: string[] = [];
    let cursor: string | null = "";
    do {
      const query: string = `workspace_id=site&limit=2&cursor=${cursor}`;
      const { status, body } = await server.request("GET", `/api/commits?${query}`);
      expect(status).toBe(200);
      for (const { git_activity, sessions } of body.commits) {
        ids.push(git_activity.id);
        expect(sessions.map(({ session, grade }: Found) => `${session.id} ${grade}`)).toEqual(["s possible"]);
      }
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(ids).toEqual(commits.map(({ id }) => id).reverse());
  });

  test("refuses a list without a workspace, and of an unknown one", async () => {
    expect((await server.request("GET", "/api/commits")).status).toBe(400);
    const { status, body } = await server.request("GET", "/api/commits?workspace_id=nothing");
    expect([status, body.code]).toEqual([400, "REFERENCE_UNKNOWN"]);
  });
});
