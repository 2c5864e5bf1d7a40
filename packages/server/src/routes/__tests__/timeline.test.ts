import { describe, expect, test } from "bun:test";
import { at, event, gitCommit, ingest, sessionEnd, sessionStart, walk } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();

type Item = { type: string; session?: { id: string }; git_activity: { id: string }[]; started_at?: string };
const label = (item: Item) => item.session?.id ?? `git:${item.git_activity.length}`;
const gitIds = (items: Item[]) => items.flatMap((item) => item.git_activity.map((row) => row.id));

function push(fields: Parameters<typeof event>[0]) {
  return event({ type: "git.push", ...fields, data: { branch: "main", remote: "origin", commit_count: 1 } });
}

describe("GET /api/timeline", () => {
  test("is empty without anything", async () => {
    const { status, body } = await server.request("GET", "/api/timeline");
    expect([status, body]).toEqual([200, { items: [], next_cursor: null, has_more: false }]);
  });

  test("shows git activity outside any session also when there is no session", async () => {
    const commit = gitCommit({ timestamp: at(3) });
    await ingest(server, [commit, gitCommit({ timestamp: at(1) })]);
    const { body } = await server.request("GET", "/api/timeline");
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({
      type: "git_activity",
      workspace_name: "site",
      device_id: "laptop",
      device_name: "unknown-device",
      started_at: at(3),
    });
    expect(body.items[0].git_activity).toHaveLength(2);
    expect(body.items[0].git_activity[0]).toMatchObject({ id: commit.id, type: "commit", session_id: null });
  });

  test("merges sessions with their git activity and git activity outside them, newest first", async () => {
    const inside = gitCommit({ session_id: "first", timestamp: at(15) });
    await ingest(server, [
      sessionStart("first", { timestamp: at(10) }),
      sessionEnd("first", { timestamp: at(20) }),
      inside,
      gitCommit({ timestamp: at(5) }),
      gitCommit({ timestamp: at(25), device_id: "desktop" }),
      sessionStart("second", { timestamp: at(30) }),
      sessionEnd("second", { timestamp: at(31) }),
      gitCommit({ timestamp: at(40) }),
    ]);
    const { body } = await server.request("GET", "/api/timeline");
    // One item for the laptop: its commits at 40 and at 5.
    expect(body.items.map(label)).toEqual(["git:2", "second", "git:1", "first"]);
    expect(body.items[3].git_activity.map((row: { id: string }) => row.id)).toEqual([inside.id]);
  });

  test("lists the sessions that loose git activity may belong to", async () => {
    await ingest(server, [
      sessionStart("first", { timestamp: at(10) }),
      sessionEnd("first", { timestamp: at(20) }),
      sessionStart("second", { timestamp: at(14) }),
      sessionEnd("second", { timestamp: at(30) }),
      gitCommit({ timestamp: at(12) }),
      gitCommit({ timestamp: at(25) }),
      gitCommit({ timestamp: at(40), device_id: "desktop" }),
    ]);
    const { body } = await server.request("GET", "/api/timeline?types=git_activity");
    expect(body.items.map((item: { possible_sessions: string[] }) => item.possible_sessions)).toEqual([
      [],
      ["second", "first"],
    ]);
    await server.request("DELETE", "/api/sessions/second");
    const { body: after } = await server.request("GET", "/api/timeline?types=git_activity&device_id=laptop");
    expect(after.items[0].possible_sessions).toEqual(["first"]);
  });

  test("walked to the end while rows are inserted, gives each row once and in order", async () => {
    const sent: { id: string }[] = [];
    for (let i = 0; i < 30; i++) {
      const device_id = i % 2 === 0 ? "laptop" : "desktop";
      const seconds = Math.floor(i / 2) * 10;
      sent.push(gitCommit({ timestamp: at(seconds), device_id }));
      if (i % 3 !== 0) continue;
      await ingest(server, [
        sessionStart(`s${i}`, { timestamp: at(seconds), device_id: "server" }),
        sessionEnd(`s${i}`, { timestamp: at(seconds, 5), device_id: "server" }),
      ]);
    }
    await ingest(server, sent);
    for (const limit of [1, 3, 7]) {
      let extra = 0;
      const items: Item[] = await walk(server, `/api/timeline?limit=${limit}`, "items", async () => {
        extra += 1;
        await ingest(server, [
          gitCommit({ timestamp: at(10_000 + limit * 1000 + extra), device_id: "laptop" }),
        ]);
      });
      const seen = gitIds(items).filter((id) => sent.some((row) => row.id === id));
      expect(seen.toSorted()).toEqual(sent.map((row) => row.id).toSorted());
      const sessions = items.flatMap((item) => item.session?.id ?? []);
      expect(sessions).toHaveLength(10);
      expect(new Set(sessions).size).toBe(10);
    }
  });

  test("ends a page where one device's activity exceeds what a page reads, and continues there", async () => {
    const commits = Array.from({ length: 620 }, (_, i) => gitCommit({ timestamp: at(i) }));
    await ingest(server, commits);
    await ingest(server, [
      sessionStart("old", { timestamp: at(-10) }),
      sessionEnd("old", { timestamp: at(-9) }),
    ]);
    const first = await server.request("GET", "/api/timeline");
    expect(first.body.has_more).toBe(true);
    expect(first.body.items.map(label)).toEqual(["git:100", "git:100"]);
    const items: Item[] = await walk(server, "/api/timeline", "items");
    expect(gitIds(items)).toEqual(commits.map((row) => row.id).reverse());
    expect(items.at(-1)?.session?.id).toBe("old");
  });

  test("filters by device, workspace, times and types", async () => {
    await ingest(server, [
      sessionStart("one", { timestamp: at(10) }),
      sessionEnd("one", { timestamp: at(20) }),
      gitCommit({ session_id: "one", timestamp: at(15) }),
      push({ session_id: "one", timestamp: at(16) }),
      gitCommit({ timestamp: at(50), device_id: "desktop", workspace_id: "github.com/acme/two" }),
      push({ timestamp: at(60), device_id: "desktop" }),
    ]);
    const [two] = await server.sql`SELECT id FROM workspaces WHERE canonical_id = 'github.com/acme/two'`;
    const cases: [string, string[], number][] = [
      ["device_id=laptop", ["one"], 2],
      ["device_id=desktop", ["git:1", "git:1"], 2],
      [`workspace_id=${two?.["id"]}`, ["git:1"], 1],
      [`after=${at(10)}`, ["git:1", "git:1"], 2],
      [`before=${at(60)}`, ["git:1", "one"], 3],
      ["types=session", ["one"], 2],
      ["types=git_activity", ["git:1", "git:1"], 2],
      ["types=session,git_activity", ["git:1", "git:1", "one"], 4],
      ["types=push", ["git:1"], 1],
      ["types=git.push,session", ["git:1", "one"], 2],
      ["types=git.push&types=session", ["git:1", "one"], 2],
    ];
    for (const [query, labels, rows] of cases) {
      const { status, body } = await server.request("GET", `/api/timeline?${query}`);
      expect([query, status, body.items?.map(label), gitIds(body.items ?? []).length]).toEqual([
        query,
        200,
        labels,
        rows,
      ]);
    }
  });

  test.each([
    ["types=session.start", "/types/0", "VALIDATION_FAILED"],
    ["limit=1.5", "/limit", "VALIDATION_FAILED"],
    ["limit=50&limit=60", "/limit", "VALIDATION_FAILED"],
    ["after=soon", "/after", "VALIDATION_FAILED"],
    ["workspace_id=%00", "/workspace_id", "VALIDATION_FAILED"],
    ["cursor=abc", "/cursor", "CURSOR_INVALID"],
  ])("refuses ?%s", async (query, pointer, code) => {
    const { status, body } = await server.request("GET", `/api/timeline?${query}`);
    expect([status, body.errors[0].pointer, body.code]).toEqual([400, pointer, code]);
  });

  test("takes a limit above 100 as 100", async () => {
    const starts = Array.from({ length: 105 }, (_, n) => sessionStart(`s${n}`, { timestamp: at(n % 60, n) }));
    await ingest(server, starts);
    const { status, body } = await server.request("GET", "/api/timeline?limit=500");
    expect([status, body.items.length, body.has_more]).toEqual([200, 100, true]);
  });
});
