import { afterEach, describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import type { IngestNote } from "../../db/ingest/ingest-notes.ts";
import { KEPT_CHARACTERS_MAX } from "../ingest-events.ts";
import { saveNotes } from "../save-notes.ts";
import { anEvent } from "./event-factory.ts";

const server = setupApp({ limits: { write_queue_events: 5, write_queue_bytes: 3_000 } });
let unlock: () => void = () => undefined;
afterEach(() => unlock());

/** Until `unlock` is called no note can be written. */
async function lockNotes(): Promise<{ unlocked: Promise<unknown> }> {
  const locked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  unlock = released.resolve;
  const unlocked = server.sql.begin(async (sql) => {
    await sql`LOCK TABLE ingest_notes IN ACCESS EXCLUSIVE MODE`;
    locked.resolve();
    await released.promise;
  });
  await locked.promise;
  return { unlocked };
}

const post = (events: readonly unknown[]) => server.request("POST", "/api/events", { events });
const queued = () => server.current().ingest.depth();

describe("rejections wait in the write queue", () => {
  test.each([
    ["by their number", Array(3).fill(7)],
    ["by their bytes", [{ id: "x".repeat(2_000) }]],
  ])("and are refused with 429 %s when it is full", async (_, rejected) => {
    const { unlocked } = await lockNotes();
    const first = post(rejected);
    await until(() => queued().flushes === 1);
    const second = post(rejected);
    await until(() => queued().items === rejected.length);
    const third = await post(rejected);
    expect(third).toMatchObject({ status: 429, body: { code: "INGEST_QUEUE_FULL" } });
    expect(third.headers.get("retry-after")).toBe("1");
    unlock();
    await unlocked;
    expect([(await first).status, (await second).status]).toEqual([202, 202]);
    expect(await server.sql`SELECT FROM ingest_notes`).toHaveLength(rejected.length * 2);
  });

  test("with the events of their batch: each result stands at its event's index", async () => {
    const [one, two] = [anEvent(), anEvent()];
    const { body } = await post([{ id: 7 }, one, 7, two, one]);
    expect(body.results.map((result: { status: string }) => result.status)).toEqual([
      "rejected",
      "accepted",
      "rejected",
      "accepted",
      "duplicate",
    ]);
    expect(body.errors.map((error: { index: number }) => error.index)).toEqual([0, 2]);
  });
});

test("of the bodies of a batch's rejected events about a megabyte is kept, the first ones", async () => {
  await post(Array.from({ length: 40 }, (_, at) => ({ id: at, text: "x".repeat(60_000) })));
  const notes = await server.sql<{ length: number | null }[]>`
    SELECT length(body) AS length FROM ingest_notes ORDER BY id`;
  expect(notes).toHaveLength(40);
  const kept = notes.map(({ length }) => length ?? 0);
  expect(kept.reduce((sum, length) => sum + length, 0)).toBeWithin(
    KEPT_CHARACTERS_MAX / 2,
    KEPT_CHARACTERS_MAX,
  );
  expect(kept[0]).toBeGreaterThan(60_000);
  expect(kept.at(-1)).toBe(0);
});

test("notes are written by statements of about a megabyte, in their order", async () => {
  const note = (at: number): IngestNote => ({
    event_id: null,
    device_id: null,
    session_id: null,
    kind: "rejected",
    detail: `${at}`,
    body: "x".repeat(300_000),
  });
  const writes = server.current().pools.ingest;
  let statements = 0;
  const counted: typeof writes = {
    ...writes,
    run: (work) => {
      statements += 1;
      return writes.run(work);
    },
  };
  await saveNotes(
    counted,
    Array.from({ length: 10 }, (_, at) => note(at)),
  );
  await saveNotes(counted, []);
  expect(statements).toBe(4);
  const details = await server.sql<{ detail: string }[]>`SELECT detail FROM ingest_notes ORDER BY id`;
  expect(details.map(({ detail }) => detail)).toEqual([..."0123456789"]);
});
