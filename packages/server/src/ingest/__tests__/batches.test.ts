import { describe, expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import fc from "fast-check";
import { setupApp } from "../../__tests__/setup-app.ts";
import { anEvent, counts, send, statuses } from "./event-factory.ts";

const server = setupApp();
const storedIds = async () =>
  (await server.sql<{ id: string }[]>`SELECT id FROM events ORDER BY id`).map((row) => row.id);
const notes = async () =>
  await server.sql<{ kind: string; event_id: string; detail: string; body: string }[]>`
    SELECT kind, event_id, detail, body FROM ingest_notes ORDER BY id`;

describe("each event of a batch has a result of its own", () => {
  test("new, repeated and bad events, in the order in which they came", async () => {
    const known = anEvent();
    await send(server, [known]);
    const fresh = anEvent();
    const answer = await send(server, [fresh, known, { id: "nonsense" }, fresh, null, anEvent()]);
    expect(statuses(answer)).toEqual([
      "accepted",
      "duplicate",
      "rejected",
      "duplicate",
      "rejected",
      "accepted",
    ]);
    expect(answer.results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(answer.results.map(({ id }) => id).slice(0, 5)).toEqual([
      fresh.id,
      known.id,
      "nonsense",
      fresh.id,
      null,
    ]);
    expect(counts(answer)).toEqual({ ingested: 2, duplicates: 2, rejected: 2 });
    expect(answer.errors?.map(({ index, pointer }) => [index, pointer])).toEqual([
      [2, "/id"],
      [4, undefined],
    ]);
    expect(await storedIds()).toHaveLength(3);
  });

  test("a batch of which every event is rejected is taken nevertheless, and each is noted with its reason", async () => {
    const answer = await send(server, [1, "two", [3], anEvent({ type: "NoType" })]);
    expect(counts(answer)).toEqual({ ingested: 0, duplicates: 0, rejected: 4 });
    expect((await notes()).map(({ kind }) => kind)).toEqual(Array(4).fill("rejected"));
    expect((await notes()).at(-1)).toMatchObject({ detail: expect.stringContaining("/type") });
  });

  test("a rejected event that is sent again has one note an hour for each reason", async () => {
    const bad = anEvent({ type: "NoType" });
    await send(server, [bad, bad, { ...bad, timestamp: "yesterday" }]);
    for (let times = 0; times < 3; times++) await send(server, [bad, "no event", "no event"]);
    const reasons = (await notes()).map(({ event_id, detail }) => `${event_id} ${detail}`);
    const ofBad = reasons.filter((reason) => reason.startsWith(bad.id));
    expect(new Set(ofBad).size).toBe(ofBad.length);
    // Without an id nothing says that it is the same event.
    expect(reasons.filter((reason) => reason.startsWith("null"))).toHaveLength(6);
    await server.sql`UPDATE ingest_notes SET created_at = now() - interval '61 minutes'`;
    await send(server, [bad]);
    expect((await notes()).filter(({ event_id }) => event_id === bad.id)).toHaveLength(ofBad.length + 1);
  });

  test("a batch without a rejection has no errors", async () => {
    expect(await send(server, [anEvent()])).not.toHaveProperty("errors");
  });

  test("the path without /ingest and the one with it are the same", async () => {
    const event = anEvent();
    await send(server, [event]);
    const { status, body } = await server.request("POST", "/api/events/ingest", { events: [event] });
    expect(status).toBe(202);
    expect(body.duplicates).toBe(1);
  });
});

describe("a repeated event", () => {
  test("is a duplicate in the next request", async () => {
    const batch = Array.from({ length: 10 }, () => anEvent());
    expect(counts(await send(server, batch))).toEqual({ ingested: 10, duplicates: 0, rejected: 0 });
    expect(counts(await send(server, batch))).toEqual({ ingested: 0, duplicates: 10, rejected: 0 });
  });

  test("is accepted once when many requests bring it at the same time", async () => {
    const event = anEvent();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(server, [event])));
    expect(answers.filter((answer) => answer.ingested === 1)).toHaveLength(1);
    expect(answers.filter((answer) => answer.duplicates === 1)).toHaveLength(19);
  });

  test("with another body leaves the first one, and is noted", async () => {
    const event = anEvent({ data: { n: 1 } });
    await send(server, [event]);
    const answer = await send(server, [{ ...event, data: { n: 2 } }]);
    expect(statuses(answer)).toEqual(["duplicate"]);
    expect([...(await server.sql`SELECT data FROM events`)]).toEqual([{ data: { n: 1 } }]);
    expect(await notes()).toMatchObject([{ kind: "different_body", event_id: event.id, body: '{"n":2}' }]);
  });

  test("with another body in the same batch is noted too", async () => {
    const event = anEvent({ data: { n: 1 } });
    await send(server, [event, { ...event, data: { n: 2 } }, event]);
    expect([...(await server.sql`SELECT data FROM events`)]).toEqual([{ data: { n: 1 } }]);
    expect(await notes()).toMatchObject([{ kind: "different_body", body: '{"n":2}' }]);
  });

  test("with the same body in another order of its keys is not noted", async () => {
    const event = anEvent({ data: { a: 1, b: 2 } });
    await send(server, [event]);
    await send(server, [{ ...event, data: { b: 2, a: 1 } }]);
    expect(await notes()).toHaveLength(0);
  });

  test("is not taken along by a bad one that has its id", async () => {
    const event = anEvent();
    const answer = await send(server, [{ ...event, workspace_id: createUlid() }, event, event]);
    expect(statuses(answer)).toEqual(["rejected", "accepted", "duplicate"]);
  });
});

describe("workspaces of events", () => {
  test("may be named by canonical id, by remote and by the workspace's own id", async () => {
    await send(server, [anEvent({ workspace_id: "github.com/a/b" })]);
    const [{ id } = { id: "" }] = await server.sql<{ id: string }[]>`SELECT id FROM workspaces`;
    const named = ["git@github.com:a/b.git", "https://github.com/a/b", id].map((workspace_id) =>
      anEvent({ workspace_id }),
    );
    expect(counts(await send(server, named))).toEqual({ ingested: 3, duplicates: 0, rejected: 0 });
    expect([...(await server.sql`SELECT canonical_id, display_name FROM workspaces`)]).toEqual([
      { canonical_id: "github.com/a/b", display_name: "b" },
    ]);
  });

  test("an id that names none rejects that event alone", async () => {
    const answer = await send(server, [anEvent(), anEvent({ workspace_id: createUlid() }), anEvent()]);
    expect(statuses(answer)).toEqual(["accepted", "rejected", "accepted"]);
    expect(answer.errors).toEqual([{ index: 1, error: "workspace_id does not match a workspace" }]);
  });

  test("text that is no remote leads to the unassociated workspace, and is noted", async () => {
    await send(server, [anEvent({ workspace_id: "C:\\Users\\me" })]);
    expect([...(await server.sql`SELECT canonical_id FROM workspaces`)]).toEqual([
      { canonical_id: "_unassociated" },
    ]);
    expect(await notes()).toMatchObject([{ kind: "workspace_unknown", detail: "C:\\Users\\me" }]);
  });

  test("a remote too long for an index is unassociated too", async () => {
    const path = Array.from({ length: 100 }, () => createUlid().slice(8)).join("ü");
    const answer = await send(server, [anEvent({ workspace_id: `github.com/a/${path}` }), anEvent()]);
    expect(statuses(answer)).toEqual(["accepted", "accepted"]);
  });
});

describe("what is stored", () => {
  test("is the event as it was sent, with objects as objects", async () => {
    const sent = anEvent({
      type: "robot.arm.moved",
      timestamp: "2026-03-01T10:00:00.123456+02:00",
      device_id: "d".repeat(200),
      session_id: "s".repeat(200),
      data: { a: [1, "two", null, { b: true }] },
      blob_refs: [{ key: "k", content_type: "text/plain", size_bytes: 3 }],
    });
    await send(server, [sent]);
    const [row] = await server.sql`
      SELECT id, type, timestamp::text, device_id, session_id, data, blob_refs,
        jsonb_typeof(data) AS kind, jsonb_typeof(blob_refs) AS blobs FROM events`;
    const { workspace_id: _, ...fields } = sent;
    expect(row).toEqual({
      ...fields,
      timestamp: "2026-03-01 08:00:00.123456+00",
      kind: "object",
      blobs: "array",
    });
  });

  test("is text, also if it looks like SQL", async () => {
    const text = "'); DROP TABLE events; --";
    const data = { text, [text]: [text], cc_session_id: text };
    await send(server, [
      anEvent({ device_id: text, session_id: text, workspace_id: `github.com/a/${text}`, data }),
    ]);
    expect([...(await server.sql`SELECT device_id, session_id, data FROM events`)]).toEqual([
      { device_id: text, session_id: text, data },
    ]);
  });

  test("a clock more than a day ahead is stored and noted; one less than that is not", async () => {
    const hours = (count: number) => new Date(Date.now() + count * 3_600_000).toISOString();
    const ahead = anEvent({ timestamp: hours(25) });
    await send(server, [ahead, anEvent({ timestamp: hours(23) })]);
    expect(await storedIds()).toHaveLength(2);
    expect(await notes()).toMatchObject([{ kind: "clock_ahead", event_id: ahead.id }]);
  });
});

describe("the ledger", () => {
  test("received = ingested + duplicates + rejected, and what is ingested is stored once, for any batches", async () => {
    const ids = Array.from({ length: 30 }, () => createUlid());
    const good = fc
      .record({ id: fc.constantFrom(...ids), n: fc.integer({ min: 0, max: 1 }) })
      .map(({ id, n }) => anEvent({ id, data: { n } }));
    const bad = fc.constantFrom<unknown[]>(
      null,
      7,
      "x",
      [],
      {},
      { id: ids[0] },
      anEvent({ type: "x" }),
      anEvent({ workspace_id: createUlid() }),
    );
    const batch = fc.array(fc.oneof({ weight: 4, arbitrary: good }, { weight: 1, arbitrary: bad }), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 5 }), async (batches) => {
        const before = await storedIds();
        const answers = await Promise.all(batches.map((events) => send(server, events)));
        const total = (key: "ingested" | "duplicates" | "rejected") =>
          answers.reduce((sum, answer) => sum + answer[key], 0);
        expect(total("ingested") + total("duplicates") + total("rejected")).toBe(batches.flat().length);
        const stored = await storedIds();
        expect(stored.length - before.length).toBe(total("ingested"));
        for (const [i, answer] of answers.entries()) {
          expect(answer.results.map((result) => result.index)).toEqual([...(batches[i] ?? []).keys()]);
          for (const { id, status } of answer.results)
            if (status !== "rejected") expect(stored).toContain(id ?? "");
        }
      }),
      { numRuns: 40 },
    );
  });
});
