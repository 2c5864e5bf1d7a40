import { describe, expect, test } from "bun:test";
import { eventRow } from "../../db/ingest/__tests__/event-row.ts";
import type { EventRow } from "../../db/ingest/flush-events.ts";
import { createKnownActivity, RECENT_MS } from "../known-activity.ts";
import { planFlush } from "../plan-flush.ts";

const at = (time: string, fields: Partial<EventRow> = {}) =>
  eventRow({ type: "tool.use", session_id: "s", timestamp: `2026-01-01T10:00:${time}Z`, ...fields });

const projected = (...events: EventRow[]) => new Set(planFlush(events, createKnownActivity()).projected_ids);
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
  const events = [at("00"), at("01", { session_id: null, device_id: "e", workspace_id: "v" })];
  const { touched } = planFlush(events, createKnownActivity());
  expect(touched).toEqual({
    sessions: new Set(["s"]),
    workspaces: new Set(["w", "v"]),
    devices: new Set(["d", "e"]),
  });
});

describe("when the activity of a session on a device is known", () => {
  function setup() {
    let nowMs = 0;
    const known = createKnownActivity(() => nowMs);
    const store = (...events: EventRow[]) => {
      const { projected_ids, mayHaveNewParents } = planFlush(events, known);
      known.add(events, new Set(projected_ids));
      return { projected: new Set(projected_ids), mayHaveNewParents };
    };
    return { known, store, pass: (ms: number) => (nowMs += ms) };
  }

  test("its later events are not projected for a while, and need no new parents", () => {
    const { store, pass } = setup();
    const first = at("03");
    expect(store(first)).toEqual({ projected: idsOf(first), mayHaveNewParents: true });
    expect(store(at("04"))).toEqual({ projected: new Set(), mayHaveNewParents: false });
    pass(RECENT_MS - 1);
    expect(store(at("05")).projected).toEqual(new Set());
    pass(1);
    const next = at("06");
    expect(store(next, at("07"))).toEqual({ projected: idsOf(next), mayHaveNewParents: false });
    expect(store(at("08")).projected).toEqual(new Set());
  });

  test("an event as early as its earliest is projected, and every one of which something is derived", () => {
    const { store } = setup();
    store(at("03"));
    const [early, same, start] = [at("01"), at("03"), at("09", { type: "session.start" })];
    expect(store(early).projected).toEqual(idsOf(early));
    expect(store(same).projected).toEqual(new Set());
    expect(store(start).projected).toEqual(idsOf(start));
    const earlier = at("00");
    expect(store(at("02"), earlier).projected).toEqual(idsOf(earlier));
  });

  test("another session, device or workspace may be new, and so is everything after a parent was deleted", () => {
    const { known, store } = setup();
    store(at("03"));
    for (const fields of [
      { session_id: "t" },
      { session_id: null },
      { device_id: "e" },
      { workspace_id: "v" },
    ])
      expect(store(at("04", fields)).mayHaveNewParents).toBe(true);
    known.clear();
    expect(store(at("05")).mayHaveNewParents).toBe(true);
  });
});
