import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BATCH_EVENTS_MAX, eventBatchSchema, eventSchema, readPlainEvent } from "../event.ts";

const event = {
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  type: "system.heartbeat",
  timestamp: "2026-11-22T10:00:00Z",
  device_id: "laptop",
  workspace_id: "github.com/user/repo",
  data: {},
};
const accepts = (fields: object) => eventSchema.safeParse({ ...event, ...fields }).success;

describe("an event is accepted", () => {
  test("with the fewest fields, and has no blobs then", () => {
    expect(eventSchema.parse(event)).toEqual({ ...event, blob_refs: [] });
  });

  test.each([
    ["without a session", { session_id: null }],
    ["with a session", { session_id: "s1" }],
    ["with ids of 200 characters", { session_id: "s".repeat(200), device_id: "d".repeat(200) }],
    ["with ids of any characters", { session_id: "'; DROP TABLE events; --", device_id: "../../etc" }],
    ["with a type that is not known", { type: "robot.arm.moved_2" }],
    ["with a type of 100 characters", { type: `a.${"b".repeat(98)}` }],
    ["with fractions of a second", { timestamp: "2026-11-22T10:00:00.123456Z" }],
    ["with an offset", { timestamp: "2026-11-22T10:00:00.5-08:00" }],
    ["of the first moment", { timestamp: "2000-01-01T00:00:00Z" }],
    ["of the last moment", { timestamp: "2099-12-31T23:59:59.999Z" }],
    ["of the last moment, at an offset", { timestamp: "2099-12-31T23:59:59+15:59" }],
    ["of the first moment, at an offset", { timestamp: "1999-12-31T12:00:00-12:00" }],
    ["with 30 decimals", { timestamp: `2026-11-22T10:00:00.${"1".repeat(30)}Z` }],
    ["of a leap day", { timestamp: "2028-02-29T00:00:00Z" }],
    ["with blobs", { blob_refs: [{ key: "k", content_type: "text/plain", size_bytes: 0 }] }],
    ["with more fields", { more: true }],
  ])("%s", (_, fields) => {
    expect(accepts(fields)).toBe(true);
  });
});

describe("an event is refused", () => {
  test.each(["id", "type", "timestamp", "device_id", "workspace_id", "data"])("without its %s", (field) => {
    expect(accepts({ [field]: undefined })).toBe(false);
    expect(accepts({ [field]: null })).toBe(false);
    expect(accepts({ [field]: 7 })).toBe(false);
  });

  test.each([
    ["an id that is no ULID", { id: "01arz3ndektsv4rrffq69g5fav" }],
    ["a type without a dot", { type: "heartbeat" }],
    ["a type in upper case", { type: "Session.Start" }],
    ["a type with an empty part", { type: "session..start" }],
    ["a type with a space", { type: "session.start now" }],
    ["a type of 101 characters", { type: `a.${"b".repeat(99)}` }],
    ["a time without an offset", { timestamp: "2026-11-22T10:00:00" }],
    ["a time of day alone", { timestamp: "10:00:00Z" }],
    ["a date alone", { timestamp: "2026-11-22" }],
    ["a day that does not exist", { timestamp: "2026-02-30T00:00:00Z" }],
    ["an hour that does not exist", { timestamp: "2026-02-20T25:00:00Z" }],
    ["a number as time", { timestamp: 1_770_000_000 }],
    ["a time before 2000", { timestamp: "1999-12-31T23:59:59.999Z" }],
    ["a time from 2100 on", { timestamp: "2100-01-01T00:00:00Z" }],
    ["a time from 2100 on, at an offset", { timestamp: "2099-12-31T23:59:59-15:00" }],
    ["a time before 2000, at an offset", { timestamp: "2000-01-01T00:00:00+15:00" }],
    ["31 decimals", { timestamp: `2026-11-22T10:00:00.${"1".repeat(31)}Z` }],
    ["200 decimals and an offset", { timestamp: `2026-11-22T10:00:00.${"1".repeat(200)}+02:00` }],
    ["the year 300000", { timestamp: "+300000-01-01T00:00:00Z" }],
    ["an empty device", { device_id: "" }],
    ["a device of 201 characters", { device_id: "d".repeat(201) }],
    ["an empty session", { session_id: "" }],
    ["a session of 201 characters", { session_id: "s".repeat(201) }],
    ["an empty workspace", { workspace_id: "" }],
    ["data that is a list", { data: [] }],
    ["data that is text", { data: "{}" }],
    ["blobs that are no list", { blob_refs: {} }],
    ["a blob of negative size", { blob_refs: [{ key: "k", content_type: "t", size_bytes: -1 }] }],
    ["a blob of half a byte", { blob_refs: [{ key: "k", content_type: "t", size_bytes: 0.5 }] }],
    ["a blob without a key", { blob_refs: [{ content_type: "t", size_bytes: 1 }] }],
  ])("with %s", (_, fields) => {
    expect(accepts(fields)).toBe(false);
  });
});

describe("an event that is read without its schema", () => {
  const texts = [
    event.id,
    event.type,
    event.timestamp,
    "2026-11-22T10:00:00+15:59",
    "2026-11-22T10:00:00-16:00",
    "2026-02-30T00:00:00Z",
    "2026-11-22T10:00Z",
    "1999-12-31T23:59:59.999Z",
    "1999-12-31T23:59:59.999-01:00",
    "2099-12-31T23:59:59.999-01:00",
    `2026-11-22T10:00:00.${"1".repeat(31)}Z`,
    "2100-01-01T00:00:00Z",
    "01arz3ndektsv4rrffq69g5fav",
    "Session.Start",
    `a.${"b".repeat(98)}`,
    `a.${"b".repeat(99)}`,
    "d".repeat(200),
    "d".repeat(201),
    "\u{1F600}".repeat(200),
    "r".repeat(2_000),
    "r".repeat(2_001),
    "",
  ];
  const anything = fc.oneof(
    fc.constantFrom<unknown>(...texts, undefined, null, {}, [], { a: 1 }, 7, JSON.rawJSON("7")),
    fc.string(),
  );
  const fields = ["id", "type", "timestamp", "device_id", "workspace_id", "session_id", "data", "blob_refs"];
  const changes = fc.dictionary(fc.constantFrom(...fields, "more"), anything, { maxKeys: 3 });

  test("equals the result of the schema for fields of any content", () => {
    fc.assert(
      fc.property(changes, (changed) => {
        const value = { ...event, ...changed };
        const read = readPlainEvent(value);
        if (read !== null) expect(read).toEqual(eventSchema.parse(value));
      }),
      { numRuns: 5_000 },
    );
  });

  test("is most of them", () => {
    for (const session_id of [undefined, null, "s1"])
      expect(readPlainEvent({ ...event, session_id, more: true })).not.toBeNull();
  });

  test("is no list, text or number", () => {
    for (const value of [null, undefined, [], [event], "text", 7]) expect(readPlainEvent(value)).toBeNull();
  });
});

describe("a batch", () => {
  const accepted = (value: unknown) => eventBatchSchema.safeParse(value).success;

  test("holds 1 to 1000 values, of which each is checked by itself", () => {
    expect(accepted({ events: [null] })).toBe(true);
    expect(accepted({ events: Array(BATCH_EVENTS_MAX).fill({}) })).toBe(true);
  });

  test.each([
    ["nothing", null],
    ["a list", []],
    ["no events", {}],
    ["an empty list", { events: [] }],
    ["too many events", { events: Array(BATCH_EVENTS_MAX + 1).fill({}) }],
    ["events that are no list", { events: { 0: {} } }],
  ])("is not %s", (_, value) => {
    expect(accepted(value)).toBe(false);
  });
});
