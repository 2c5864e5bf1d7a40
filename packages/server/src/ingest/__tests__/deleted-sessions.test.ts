import { describe, expect, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { findLockWaits, until } from "@wharf/testkit";
import { setupApp } from "../../__tests__/setup-app.ts";
import { anEvent, minute, send, start, statuses, toolUse, WORKSPACE } from "./event-factory.ts";

const server = setupApp();

async function session(id = "s1") {
  const [row] = await server.sql`SELECT id FROM sessions WHERE id = ${id}`;
  return row;
}

const report = (fields: object = {}) => ({
  id: "s1",
  workspace_id: WORKSPACE,
  device_id: "laptop",
  started_at: minute(0),
  ...fields,
});

describe("a deleted session", () => {
  const deleteSession = async (id: string) => {
    await server.sql.begin(async (sql) => {
      await sql`INSERT INTO session_tombstones (session_id) VALUES (${id})`;
      await sql`DELETE FROM events WHERE session_id = ${id}`;
      await sql`DELETE FROM sessions WHERE id = ${id}`;
    });
  };

  // First, because flushes use per-row checks for a second after a deletion.
  test("leaves its events' ids to later senders outside it, also to a flush that had found them", async () => {
    await send(server, [toolUse("s1", 0, { id: createUlid(2_000) }), anEvent()]);
    const [known] = await server.sql`SELECT id FROM events WHERE session_id = 's1'`;
    const [first, moved] = [anEvent({ id: createUlid(1_000) }), anEvent({ id: known?.["id"] })];
    const holding = await server.sql.reserve();
    await holding`BEGIN`;
    await holding`INSERT INTO events SELECT * FROM jsonb_populate_record(
      (SELECT e FROM events e WHERE session_id IS NULL LIMIT 1), ${server.sql.json({ id: first.id })})`;
    const answer = send(server, [first, moved]);
    await until(async () => (await findLockWaits(server.sql)).length > 0, {
      describe: "a flush that waits for the first event",
    });
    await deleteSession("s1");
    await holding`ROLLBACK`;
    holding.release();
    expect(statuses(await answer)).toEqual(["accepted", "accepted"]);
    expect(await server.sql`SELECT 1 FROM events WHERE id = ${moved.id} AND session_id IS NULL`).toHaveLength(
      1,
    );
  });

  test("stays deleted: its events are rejected alone, with the reason, and so are reports of it", async () => {
    const old = toolUse("s1", 0);
    await send(server, [old]);
    await deleteSession("s1");
    const answer = await send(server, [anEvent(), toolUse("s1", 1), start("s1", 0), old, toolUse("s2", 0)]);
    expect(statuses(answer)).toEqual(["accepted", "rejected", "rejected", "rejected", "accepted"]);
    expect(answer.errors?.map(({ error }) => error)).toEqual(Array(3).fill("its session was deleted"));
    expect(await session()).toBeUndefined();
    expect(await server.request("POST", "/api/sessions", report())).toMatchObject({
      status: 410,
      body: { code: "SESSION_DELETED" },
    });
    const backfill = {
      session_id: "s1",
      workspace_canonical_id: WORKSPACE,
      device_id: "d",
      started_at: minute(0),
    };
    expect((await server.request("POST", "/api/backfill/sessions", backfill)).status).toBe(410);
    expect(await session()).toBeUndefined();
  });

  test("stays deleted also while events of it are being stored", async () => {
    for (let round = 0; round < 15; round++) {
      const id = `s${round}`;
      await send(server, [start(id, 0)]);
      const sending = Array.from({ length: 6 }, (_, n) =>
        send(server, [anEvent(), n % 2 === 0 ? toolUse(id, n) : start(id, n)]),
      );
      const [answers] = await Promise.all([Promise.all(sending), deleteWhilePossible(id)]);
      for (const answer of answers) expect(answer.results[0]?.status).toBe("accepted");
      expect(await session(id)).toBeUndefined();
      expect(await server.sql`SELECT 1 FROM events WHERE session_id = ${id}`).toHaveLength(0);
    }
    expect(await server.sql`SELECT 1 FROM projection_queue`).toHaveLength(0);
  });

  test("leaves no content in notes, for any reason of rejection", async () => {
    const secret = "the content of a deleted session";
    const stored = toolUse("s1", 0, { data: { text: secret } });
    const invalid = { ...toolUse("s1", 1, { data: { text: secret } }), type: "No Type" };
    await send(server, [stored, invalid]);
    expect(await noteBodies()).toEqual([expect.stringContaining(secret)]);
    expect((await server.request("DELETE", "/api/sessions/s1")).status).toBe(204);
    expect(await noteBodies()).toEqual([]);
    const byPayload = start("s1", 2, { cwd: secret, source: 1 }, { session_id: null });
    const answer = await send(server, [
      stored,
      invalid,
      byPayload,
      toolUse("s1", 3, { data: { text: secret } }),
    ]);
    expect(statuses(answer)).toEqual(Array(4).fill("rejected"));
    expect(await noteBodies()).toEqual([null, null, null, null]);
    expect(await server.sql`SELECT FROM ingest_notes WHERE strpos(detail, ${secret}) > 0`).toHaveLength(0);
  });

  test("leaves no content in notes of a line that is cut or a session id that is none", async () => {
    const secret = "the content of a deleted session";
    const event = JSON.stringify(toolUse("s1", 0, { session_id: "s1", data: { text: secret } }));
    const list = { ...toolUse("s1", 1, { data: { text: secret } }), session_id: ["s1"] };
    const cut = event.slice(0, event.indexOf(secret) + secret.length);
    const body = [event, cut, JSON.stringify(list)].join("\n");
    const headers = { "content-type": "application/x-ndjson" };
    await server.request("POST", "/api/events", body, headers);
    expect(await noteBodies()).toEqual([expect.stringContaining("s1"), null]);
    expect((await server.request("DELETE", "/api/sessions/s1")).status).toBe(204);
    expect(await noteBodies()).toEqual([null]);
  });

  const noteBodies = async () =>
    (await server.sql`SELECT body FROM ingest_notes ORDER BY id`).map((row) => row["body"]);

  /** An event that is stored between the two deletes makes the second one fail: then all of it is done again. */
  async function deleteWhilePossible(id: string): Promise<void> {
    for (;;) {
      try {
        return await deleteSession(id);
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (code !== "23503" && code !== "40P01" && code !== "23505") throw error;
      }
    }
  }
});
