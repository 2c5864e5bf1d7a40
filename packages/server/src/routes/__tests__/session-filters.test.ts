import { describe, expect, test } from "bun:test";
import { at, event, ingest, sessionEnd, sessionStart } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();

const agentOf = async (id: string) => (await server.request("GET", `/api/sessions/${id}`)).body.session.agent;
const listed = async (query: string) => {
  const { status, body } = await server.request("GET", `/api/sessions?${query}`);
  return [status, body.sessions?.map(({ id }: { id: string }) => id)];
};
const report = { workspace_canonical_id: "github.com/acme/site", device_id: "laptop", started_at: at(0) };

describe("the agent of a session", () => {
  test("is what its start, its report or a backfill names", async () => {
    await ingest(server, [sessionStart("started", { data: { agent: "codex" } })]);
    await server.request("POST", "/api/sessions", { id: "reported", agent: "gemini-cli", ...report });
    await server.request("POST", "/api/backfill/sessions", {
      session_id: "found",
      agent: "opencode",
      ...report,
    });
    await ingest(server, [sessionStart("unnamed")]);
    const ids = ["started", "reported", "found", "unnamed"];
    expect(await Promise.all(ids.map(agentOf))).toEqual(["codex", "gemini-cli", "opencode", null]);
  });

  test("stays when later events and backfills name none or another", async () => {
    await server.request("POST", "/api/backfill/sessions", { session_id: "s", agent: "opencode", ...report });
    expect(await agentOf("s")).toBe("opencode");
    await ingest(server, [sessionStart("s", { timestamp: at(1), data: { agent: "codex" } })]);
    expect(await agentOf("s")).toBe("codex");
    await ingest(server, [sessionEnd("s", { timestamp: at(90) }), event({ session_id: "s" })]);
    await server.request("POST", "/api/backfill/sessions", { session_id: "s", agent: "opencode", ...report });
    expect(await agentOf("s")).toBe("codex");
  });

  test("known from its transcripts stays when events name none", async () => {
    await ingest(server, [sessionStart("s")]);
    await server.sql`UPDATE sessions SET agent = 'claude-code' WHERE id = 's'`;
    await ingest(server, [sessionEnd("s", { timestamp: at(90) })]);
    expect(await agentOf("s")).toBe("claude-code");
  });

  test("of a newer client is kept as other", async () => {
    await ingest(server, [sessionStart("s", { data: { agent: "new-agent" } })]);
    await server.request("POST", "/api/sessions", { id: "r", agent: "new-agent", ...report });
    expect([await agentOf("s"), await agentOf("r")]).toEqual(["other", "other"]);
  });
});

describe("lists of sessions", () => {
  test("are filtered by agent, by live state and by the session that started them", async () => {
    await ingest(server, [
      sessionStart("a", { timestamp: at(1), data: { agent: "codex" } }),
      sessionStart("b", { timestamp: at(2), data: { agent: "opencode" } }),
      sessionStart("c", { timestamp: at(3) }),
    ]);
    await server.sql`UPDATE sessions SET parent_session_id = 'a', live_state = 'working' WHERE id = 'b'`;
    await server.sql`UPDATE sessions SET parent_session_id = 'a', live_state = 'needs_input' WHERE id = 'c'`;
    expect(await listed("agent=codex")).toEqual([200, ["a"]]);
    expect(await listed("agent=opencode,codex")).toEqual([200, ["b", "a"]]);
    expect(await listed("agent=copilot")).toEqual([200, []]);
    expect(await listed("parent_session_id=a")).toEqual([200, ["c", "b"]]);
    expect(await listed("parent_session_id=b")).toEqual([200, []]);
    expect(await listed("live_state=working")).toEqual([200, ["b"]]);
    expect(await listed("live_state=working,needs_input&agent=opencode")).toEqual([200, ["b"]]);
    expect((await listed("live_state=asleep"))[0]).toBe(400);
  });
});
