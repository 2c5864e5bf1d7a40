import { expect, test } from "bun:test";
import { event, ingest, sessionEnd, sessionStart } from "../../__tests__/events.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { LIVE_EVENT_TYPES } from "../../transcripts/live-state.ts";
import { refreshPassingStates } from "../refresh-live-states.ts";

const server = setupApp();
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const hook = (type: string, minutes: number, data = {}, device_id = "laptop") =>
  event({ type, session_id: "s", timestamp: minutesAgo(minutes), data, device_id });
const live = async () => {
  const { session } = (await server.request("GET", "/api/sessions/s")).body;
  return [session.live_state, session.live_reason];
};
const refresh = () => refreshPassingStates(server.current().pools.deferrable);

test("the state follows the events of hooks as they are projected", async () => {
  await ingest(server, [sessionStart("s", { timestamp: minutesAgo(9) })]);
  expect(await live()).toEqual(["idle", "started"]);
  await ingest(server, [hook("agent.prompt", 8, { text: "go" })]);
  expect(await live()).toEqual(["working", "prompt"]);
  await ingest(server, [hook("agent.waiting", 7, { reason: "permission" })]);
  expect(await live()).toEqual(["needs_input", "permission"]);
  await ingest(server, [hook("agent.tool", 6, { tool: "Bash" }), hook("test.happened", 5)]);
  expect(await live()).toEqual(["working", "tool"]);
  await ingest(server, [sessionEnd("s", { timestamp: minutesAgo(4) })]);
  expect(await live()).toEqual(["ended", "exit"]);
  await ingest(server, [sessionStart("s", { timestamp: minutesAgo(1), data: { source: "resume" } })]);
  expect(await live()).toEqual(["idle", "started"]);
});

test("the state is the same in any order of arrival", async () => {
  await ingest(server, [sessionStart("s", { timestamp: minutesAgo(9) }), hook("agent.turn_end", 1)]);
  await ingest(server, [hook("agent.prompt", 3)]);
  expect(await live()).toEqual(["turn_done", "turn_end"]);
});

test("events of another device do not change it", async () => {
  await ingest(server, [sessionStart("s", { timestamp: minutesAgo(9) })]);
  await ingest(server, [hook("agent.prompt", 1, {}, "server")]);
  expect(await live()).toEqual(["idle", "started"]);
});

test("a session without such events has no state", async () => {
  await ingest(server, [event({ session_id: "s" })]);
  expect(await live()).toEqual([null, null]);
});

test("time and silence change the state by a job, which leaves the others alone", async () => {
  await ingest(server, [sessionStart("s", { timestamp: minutesAgo(59) }), hook("agent.turn_end", 20)]);
  await refresh();
  expect(await live()).toEqual(["turn_done", "turn_end"]);
  await server.sql`UPDATE events SET timestamp = timestamp - interval '15 minutes' WHERE type = 'agent.turn_end'`;
  await refresh();
  expect(await live()).toEqual(["idle", "turn_end"]);
  expect(await refresh()).toBe(0);
  await server.sql`
    UPDATE sessions SET lifecycle = 'ended', ended_at = now(), end_reason = 'crash', ended_by_server = true WHERE id = 's'`;
  expect(await refresh()).toBe(1);
  expect(await live()).toEqual(["ended", "silent"]);
  expect(await refresh()).toBe(0);
});

test("a call without result becomes stale", async () => {
  await ingest(server, [sessionStart("s", { timestamp: minutesAgo(59) })]);
  const facts = {
    last_at: minutesAgo(12),
    last_message: { kind: "assistant", at: minutesAgo(12), has_tool_use: true },
    open_calls: [{ call_id: "c", tool: "Bash", at: minutesAgo(12) }],
  };
  await server.sql`
    UPDATE sessions SET transcript = (${JSON.stringify(facts)}::text)::jsonb, live_state = 'working', live_since = ${minutesAgo(12)}`;
  await refresh();
  expect(await live()).toEqual(["stale_call", "Bash"]);
});

test("the index of live events holds the types that show a state, each and no other", async () => {
  const [index] = await server.sql`SELECT pg_get_indexdef('idx_events_live'::regclass) AS definition`;
  const types = [...String(index?.["definition"]).matchAll(/'([a-z._]+)'::text/g)].map(([, type]) => type);
  expect(types.toSorted()).toEqual(LIVE_EVENT_TYPES.toSorted());
});
