import { expect, test } from "bun:test";
import { eventRow } from "../../db/ingest/__tests__/event-row.ts";
import type { EventRow } from "../../db/ingest/flush-events.ts";
import { eventsToProject } from "../events-to-project.ts";

const at = (time: string, fields: Partial<EventRow> = {}) =>
  eventRow({ type: "tool.use", session_id: "s", timestamp: `2026-01-01T10:00:${time}Z`, ...fields });

const projected = (...events: EventRow[]) => new Set(eventsToProject(events).projected_ids);
const idsOf = (...events: EventRow[]) => new Set(events.map(({ id }) => id));

test("of events that mean nothing else, the earliest of each session on each device in each workspace is projected", () => {
  const [late, early] = [at("05"), at("03")];
  const [otherDevice, otherWorkspace] = [at("09", { device_id: "e" }), at("09", { workspace_id: "v" })];
  const [without, otherSession] = [at("09", { session_id: null }), at("09", { session_id: "t" })];
  expect(projected(late, early, at("04"), otherDevice, otherWorkspace, without, otherSession)).toEqual(
    idsOf(early, otherDevice, otherWorkspace, without, otherSession),
  );
});

test("the earlier of two times with different offsets is projected", () => {
  const [one, other] = [
    at("00", { timestamp: "2026-01-01T10:00:00+02:00" }),
    at("00", { timestamp: "2026-01-01T09:00:00Z" }),
  ];
  expect(projected(other, one)).toEqual(idsOf(one));
});

test("events that lie within one millisecond are all projected", () => {
  const events = [at("03.0005"), at("03.0001"), at("03.0009")];
  expect(projected(...events, at("03.002"))).toEqual(idsOf(...events));
});

test("every event of which something is derived is projected, and every one that names its device", () => {
  const first = at("00");
  const derived = [
    "session.start",
    "session.end",
    "git.push",
    "skill.invoke",
    "remote.terminate",
    "system.hooks.installed",
  ];
  const events = derived.map((type) => at("09", { type }));
  const named = at("09", { data: '{"_device_name":"Ada"}' });
  expect(projected(first, ...events, named, at("09", { type: "team.message" }))).toEqual(
    idsOf(first, ...events, named),
  );
});

test("what the events are about is each of their sessions, workspaces and devices", () => {
  const { touched } = eventsToProject([
    at("00"),
    at("01", { session_id: null, device_id: "e", workspace_id: "v" }),
  ]);
  expect(touched).toEqual({
    sessions: new Set(["s"]),
    workspaces: new Set(["w", "v"]),
    devices: new Set(["d", "e"]),
  });
});
