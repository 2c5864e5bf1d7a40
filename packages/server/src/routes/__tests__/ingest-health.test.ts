import { describe, expect, test } from "bun:test";
import { createUlid, ingestHealthSchema, ingestNotesSchema } from "@wharf/protocol";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();

const eventOf = (changes: Record<string, unknown> = {}) => ({
  id: createUlid(),
  type: "system.heartbeat",
  timestamp: new Date(Date.now() - 60_000).toISOString(),
  device_id: "d1",
  workspace_id: "github.com/a/b",
  data: {},
  ...changes,
});
const send = (events: unknown[]) => server.request("POST", "/api/events", { events });
const ids = (notes: { event_id: string }[]) => notes.map((note) => note.event_id);

describe("GET /api/ingest/health", () => {
  test("tells rates by minute, each device's lag, and what was refused with its reason", async () => {
    await send([eventOf(), eventOf(), eventOf({ device_id: "d2" })]);
    await send([eventOf({ timestamp: "yesterday" }), eventOf({ timestamp: "yesterday", device_id: "d2" })]);
    await send([eventOf({ timestamp: "today" })]);
    const { status, body } = await server.request("GET", "/api/ingest/health");
    expect(status).toBe(200);
    ingestHealthSchema.parse(body);
    const total = (field: string) =>
      body.minutes.reduce((sum: number, minute: Record<string, number>) => sum + (minute[field] ?? 0), 0);
    expect([total("events"), total("flushes")]).toEqual([3, 1]);
    expect(body.devices.map((device: { device_id: string }) => device.device_id).sort()).toEqual([
      "d1",
      "d2",
    ]);
    for (const device of body.devices) {
      expect(device.lag_ms_median).toBeWithin(60_000, 120_000);
      expect(device.lag_ms_max).toBeGreaterThanOrEqual(device.lag_ms_median);
    }
    expect(body.notes[0]).toMatchObject({ device_id: "d1", kind: "rejected", count: 2 });
    expect(body.notes[0].detail).toStartWith("/timestamp: must be ISO-8601");
    expect(body.notes[1]).toMatchObject({ device_id: "d2", kind: "rejected", count: 1 });
    expect(body.process).toMatchObject({ queue: { events: 0, events_max: 20_000 } });
  });

  test("counts events whose projection failed or was set aside, with the reasons", async () => {
    await server.sql`
      INSERT INTO projection_queue (event_ids, attempts, last_error, next_retry_at) VALUES
        ('{a,b,c}', 0, NULL, now()), ('{d}', 2, 'no', now()), ('{e}', 1, 'none', now()), ('{f}', 16, 'no', 'infinity')`;
    const { body } = await server.request("GET", "/api/ingest/health");
    ingestHealthSchema.parse(body);
    expect(body.projections).toEqual({
      waiting: 3,
      failed: 2,
      set_aside: 1,
      reasons: [
        { reason: "no", events: 2 },
        { reason: "none", events: 1 },
      ],
    });
    await server.sql`DELETE FROM projection_queue`;
    const healthy = await server.request("GET", "/api/ingest/health");
    expect(healthy.body.projections).toEqual({ waiting: 0, failed: 0, set_aside: 0, reasons: [] });
  });

  test("counts each device's rate, rejections and odd events", async () => {
    const ahead = new Date(Date.now() + 48 * 60 * 60 * 1000).toISOString();
    await send([eventOf(), eventOf(), eventOf(), eventOf({ device_id: "d2" })]);
    await send([
      eventOf({ timestamp: ahead }),
      eventOf({ timestamp: "yesterday" }),
      eventOf({ timestamp: "today" }),
    ]);
    const { body } = await server.request("GET", "/api/ingest/health");
    const of = (id: string) => body.devices.find((device: { device_id: string }) => device.device_id === id);
    expect(of("d1")).toMatchObject({ events_per_minute: 0.05, rejected: 2, odd: 1 });
    expect(of("d2")).toMatchObject({ events_per_minute: 0.02, rejected: 0, odd: 0 });
  });

  test("counts all that was refused or odd, also without a known device", async () => {
    const ahead = new Date(Date.now() + 48 * 60 * 60 * 1000).toISOString();
    await send([
      eventOf(),
      eventOf({ timestamp: "today" }),
      eventOf({ timestamp: ahead, device_id: "d9" }),
      {},
    ]);
    const { body } = await server.request("GET", "/api/ingest/health");
    expect(body).toMatchObject({ rejected: 2, odd: 1 });
    expect(body.notes.map(({ device_id }: { device_id: string | null }) => device_id)).toContain(null);
  });

  test("tells the rate of a busy device by its latest events", async () => {
    const at = (ageMs: number) => new Date(Date.now() - ageMs).toISOString();
    await send(Array.from({ length: 600 }, (_, n) => eventOf({ timestamp: at(n * 120) })));
    const { body } = await server.request("GET", "/api/ingest/health");
    expect(body.devices[0].events_per_minute).toBeWithin(400, 501);
  });

  test("shows a device of which nothing but refused events came lately", async () => {
    await send([eventOf()]);
    await server.sql`UPDATE devices SET last_seen_at = now() - interval '2 hours'`;
    await send([eventOf({ timestamp: "yesterday" })]);
    const { body } = await server.request("GET", "/api/ingest/health");
    expect(body.devices).toMatchObject([{ device_id: "d1", rejected: 1 }]);
  });

  test("leaves out what is older than its window", async () => {
    await send([eventOf(), eventOf({ timestamp: "yesterday" })]);
    await server.sql`UPDATE change_log SET created_at = now() - interval '61 minutes'`;
    await server.sql`UPDATE ingest_notes SET created_at = now() - interval '61 minutes'`;
    await server.sql`UPDATE devices SET last_seen_at = now() - interval '61 minutes'`;
    const { body } = await server.request("GET", "/api/ingest/health");
    expect([body.minutes, body.notes, body.devices]).toEqual([[], [], []]);
  });
});

describe("GET /api/ingest/notes", () => {
  test("is paged, newest first, without gap or repetition while notes come in", async () => {
    const sent = [];
    for (let i = 0; i < 5; i++) {
      const event = eventOf({ timestamp: "yesterday" });
      sent.unshift(event.id);
      await send([event]);
    }
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const path = `/api/ingest/notes?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`;
      const { body } = await server.request("GET", path);
      ingestNotesSchema.parse(body);
      seen.push(...ids(body.notes));
      cursor = body.next_cursor;
      await send([eventOf({ timestamp: "later" })]);
    }
    expect(seen).toEqual(sent);
  });

  test("is ordered by number, not by the number's text", async () => {
    await server.sql`
      INSERT INTO ingest_notes (id, kind) OVERRIDING SYSTEM VALUE
      SELECT id, 'rejected' FROM unnest('{9000009, 9000010, 10000001}'::bigint[]) AS id`;
    const { body } = await server.request("GET", "/api/ingest/notes");
    expect(body.notes.map((note: { id: string }) => note.id)).toEqual(["10000001", "9000010", "9000009"]);
  });

  test("is filtered by device, kind and time, and a cursor is bound to its filters", async () => {
    const bad = eventOf({ timestamp: "yesterday", device_id: "d2" });
    const odd = eventOf({ data: { text: "\u0000" } });
    await send([bad, odd]);
    const get = async (query: string) =>
      ids((await server.request("GET", `/api/ingest/notes?${query}`)).body.notes);
    expect(await get("device_id=d2")).toEqual([bad.id]);
    expect(await get("kind=characters_replaced")).toEqual([odd.id]);
    expect(await get("device_id=d2&kind=characters_replaced")).toEqual([]);
    const soon = encodeURIComponent(new Date(Date.now() + 60_000).toISOString());
    expect(await get(`after=${soon}`)).toEqual([]);
    expect(await get(`before=${soon}`)).toHaveLength(2);
    const { body } = await server.request("GET", "/api/ingest/notes?limit=1");
    const elsewhere = await server.request(
      "GET",
      `/api/ingest/notes?kind=rejected&cursor=${body.next_cursor}`,
    );
    expect([elsewhere.status, elsewhere.body.code]).toEqual([400, "CURSOR_INVALID"]);
    expect((await server.request("GET", "/api/ingest/notes?after=yesterday")).status).toBe(400);
    expect((await server.request("GET", "/api/ingest/notes?device_id=%00")).status).toBe(400);
  });

  test("shows what was sent to an admin key only", async () => {
    await send([eventOf({ timestamp: "yesterday", data: { secret: "payload" } })]);
    const whole = await server.request("GET", "/api/ingest/notes");
    expect(whole.body.notes[0].body).toContain("payload");
    const { body } = await server.request("POST", "/api/keys", { scope: "read" });
    const read = await server.request("GET", "/api/ingest/notes", undefined, {
      authorization: `Bearer ${body.key}`,
    });
    expect(read.body.notes).toHaveLength(1);
    expect(JSON.stringify(read.body)).not.toContain("payload");
    expect(read.body.notes[0]).not.toHaveProperty("body");
  });
});
