import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { anEvent, send, start, statuses, toolUse } from "./event-factory.ts";

const server = setupApp();

test("events are accepted during the deletion of a session, and checked by foreign keys until it ends", async () => {
  await send(server, [start("kept", 0), start("going", 0)]);
  const deleting = await server.sql.reserve();
  await deleting`BEGIN`;
  await deleting`DELETE FROM events WHERE session_id = 'going'`;
  await deleting`DELETE FROM sessions WHERE id = 'going'`;
  expect(statuses(await send(server, [toolUse("kept", 1), anEvent()]))).toEqual(["accepted", "accepted"]);
  await deleting`COMMIT`;
  deleting.release();
  // Without a tombstone an event brings its session back.
  expect(statuses(await send(server, [toolUse("going", 1)]))).toEqual(["accepted"]);
  expect(await orphans()).toEqual([]);
  expect(await server.sql`SELECT 1 FROM sessions WHERE id = 'going'`).toHaveLength(1);
});

test("deletions during ingest leave no event without its parents", async () => {
  for (let round = 0; round < 10; round++) {
    const session = `s${round}`;
    const device_id = `d${round}`;
    await send(server, [start(session, 0, {}, { device_id })]);
    const sending = Array.from({ length: 12 }, (_, n) =>
      send(server, [toolUse(session, n + 1, { device_id })]),
    );
    const [answers] = await Promise.all([Promise.all(sending), deleteUntilGone(session, device_id)]);
    for (const answer of answers) expect(statuses(answer)).toEqual(["accepted"]);
  }
  expect(await orphans()).toEqual([]);
});

const orphans = async () => [
  ...(await server.sql`
    SELECT e.id FROM events e
    LEFT JOIN sessions s ON s.id = e.session_id LEFT JOIN devices d ON d.id = e.device_id
    WHERE d.id IS NULL OR s.id IS NULL AND e.session_id IS NOT NULL`),
];

/** As by hand: first what refers to the parent, then the parent; again when an event came in between. */
async function deleteUntilGone(session: string, device: string): Promise<void> {
  for (;;) {
    try {
      return await server.sql.begin(async (sql) => {
        await sql`DELETE FROM events WHERE device_id = ${device}`;
        await sql`DELETE FROM sessions WHERE id = ${session}`;
        await sql`DELETE FROM workspace_devices WHERE device_id = ${device}`;
        await sql`DELETE FROM devices WHERE id = ${device}`;
      });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== "23503" && code !== "40P01") throw error;
    }
  }
}
