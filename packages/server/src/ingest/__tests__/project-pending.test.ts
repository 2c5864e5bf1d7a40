import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";
import { projectPending } from "../project-pending.ts";
import { commit, minute, send, start } from "./event-factory.ts";

const server = setupApp();
const EVENTS = 38;
const STATEMENT_MAX = 5;

test("more than one statement takes is projected all the same", async () => {
  const events = Array.from({ length: EVENTS }, (_, n) =>
    n % 2 === 0
      ? start(`s${n}`, 0, {}, { device_id: `device-${n}` })
      : commit(1, { device_id: `device-${n - 1}` }),
  );
  await send(server, events);
  await server.sql`UPDATE sessions SET facts = '{}', start_reported_at = NULL, lifecycle = 'detected'`;
  await server.sql`UPDATE git_activity SET session_id = NULL`;
  const event_ids = events.map((event) => event.id);
  await projectPending(server.current().writes, [{ id: "1", event_ids }], { statement_max: STATEMENT_MAX });
  const sessions =
    await server.sql`SELECT lifecycle, started_at, count(*)::int AS sessions FROM sessions GROUP BY 1, 2`;
  expect([...sessions]).toEqual([
    { lifecycle: "capturing", started_at: new Date(minute(0)), sessions: EVENTS / 2 },
  ]);
  const [git] =
    await server.sql`SELECT count(*)::int AS matched FROM git_activity WHERE session_id IS NOT NULL`;
  expect(git?.["matched"]).toBe(EVENTS / 2);
});
