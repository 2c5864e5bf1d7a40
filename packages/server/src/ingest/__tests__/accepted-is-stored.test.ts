import { expect, setDefaultTimeout, test } from "bun:test";
import { isKnownEventType } from "@wharf/protocol";
import { TEST_TIMEOUT_MS } from "@wharf/testkit";
import { walk } from "../../__tests__/events.ts";
import { seededRandom } from "../../__tests__/seeded-random.ts";
import { setupApp } from "../../__tests__/setup-app.ts";
import { anEvent, send } from "./event-factory.ts";
import { GOOD_PAYLOADS } from "./good-payloads.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const server = setupApp();
const SEED = 20_261_129;
const BATCHES = 40;
const BATCH_EVENTS = 100;

const random = seededRandom(SEED);
const chance = (probability: number) => random() < probability;
function oneOf<T>(items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to choose from");
  return item;
}

/** Text that no compression makes smaller: an index of Postgres refuses 2,705 bytes of it. */
function noise(characters: number): string {
  return Array.from({ length: characters }, () => String.fromCharCode(33 + Math.floor(random() * 90))).join(
    "",
  );
}

const ODD_TEXTS = [
  () => "",
  () => " ",
  () => noise(199),
  () => noise(201),
  () => noise(2_800),
  () => noise(9_000),
  () => "\u{1F600}".repeat(200),
  () => "a\0b",
  () => "\ud800",
  () => "\u001f\u0001",
  () => "'; DROP TABLE events; --",
  () => "{}",
  () => "infinity",
  () => "NaN",
  () => "https://u:secret@h.example/r?x=1",
];
const ODD_NUMBERS = [
  0,
  -0,
  -1,
  0.5,
  1e-320,
  1e15,
  2 ** 31,
  2 ** 53 - 1,
  2 ** 53,
  315_576_000_000,
  315_576_000_001,
  1e21,
  1e308,
];
const ODD_VALUES: (() => unknown)[] = [
  ...ODD_TEXTS,
  ...ODD_NUMBERS.map((value) => () => value),
  () => null,
  () => true,
  () => [],
  () => [1, "a", null],
  () => ({}),
  () => ({ a: noise(3_000) }),
  () => [noise(3_000)],
  () => Array.from({ length: 50 }, () => noise(40)),
];
const ODD_TIMES = [
  "2000-01-01T00:00:00Z",
  "1999-12-31T23:59:59.999999Z",
  "2000-01-01T00:00:00+15:00",
  "2099-12-31T23:59:59-15:00",
  "2099-12-31T23:59:59.9999999Z",
  "2026-02-30T00:00:00Z",
  "2026-11-22T24:00:00Z",
  "2026-11-22T23:59:60Z",
  "2026-11-22T10:00Z",
  "2026-11-22T10:00:00,5Z",
  "2026-11-22T10:00:00+05",
  "2026-11-22T10:00:00+0530",
  "2026-11-22T10:00:00-00:00",
  "2026-11-22T10:00:00+15:59",
  "2026-11-22T10:00:00+16:00",
  ...[7, 30, 31, 40, 200].map((decimals) => `2026-11-22T10:00:00.${"9".repeat(decimals)}Z`),
];

function anOddEvent() {
  const type = oneOf(Object.keys(GOOD_PAYLOADS));
  if (!isKnownEventType(type)) throw new Error(`${type} is no known type`);
  const data: Record<string, unknown> = { ...GOOD_PAYLOADS[type] };
  const fields = [
    ...Object.keys(data),
    "device_id",
    "instance_id",
    "remote_env_id",
    "_device_name",
    "cwd",
    "source",
  ];
  for (let changes = oneOf([0, 1, 1, 2, 3]); changes > 0; changes--)
    data[oneOf(fields)] = oneOf(ODD_VALUES)();
  return anEvent({
    type,
    data,
    timestamp: chance(0.5) ? oneOf(ODD_TIMES) : anEvent().timestamp,
    device_id: chance(0.2) ? oneOf(ODD_TEXTS)() : oneOf(["laptop", "desktop"]),
    session_id: chance(0.2) ? oneOf(ODD_TEXTS)() : oneOf(["s", "t", "u", null]),
    workspace_id: chance(0.2) ? oneOf(ODD_TEXTS)() : "github.com/acme/widgets",
  });
}

test("no event that is accepted is refused by the database, nor left out of a projection, and every list can be walked", async () => {
  let accepted = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    const answer = await send(server, Array.from({ length: BATCH_EVENTS }, anOddEvent));
    accepted += answer.ingested;
    for (const { error } of answer.errors ?? []) expect(error).not.toContain("database");
  }
  // Enough of them for the others to mean something.
  expect(accepted).toBeGreaterThan((BATCHES * BATCH_EVENTS) / 10);
  expect([...(await server.sql`SELECT * FROM projection_queue`)]).toEqual([]);
  const lists = {
    sessions: "sessions",
    timeline: "items",
    workspaces: "workspaces",
    devices: "devices",
    "remote-envs": "remote_envs",
  };
  for (const [path, list] of Object.entries(lists)) {
    const items = await walk(server, `/api/${path}?limit=${path === "timeline" ? 20 : 1}`, list);
    expect(items.length).toBeGreaterThan(0);
  }
  for (const session of ["s", "t"]) {
    await walk(server, `/api/sessions/${session}/events?limit=50`, "events");
    await walk(server, `/api/sessions/${session}/git?limit=50`, "git_activity");
  }
});
