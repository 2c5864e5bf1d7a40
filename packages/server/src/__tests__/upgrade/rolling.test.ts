import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import type { SessionReport } from "@wharf/protocol";
import { TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { migratePhases } from "../../db/phases.ts";
import { expectEventCountsEqualRecount } from "../../db/usage/__tests__/recount-event-slots.ts";
import { minute, type SentEvent, start, toolUse } from "../../ingest/__tests__/event-factory.ts";
import { randomEvent } from "../faults/random-events.ts";
import { type ServerProcess, startServer } from "../faults/server-process.ts";
import { seededRandom } from "../seeded-random.ts";
import { startCodeBefore } from "./code-before.ts";
import { countDerived } from "./recount-relations.ts";
import { createSender } from "./sender.ts";
import { readDerived, readEvents } from "./stored-rows.ts";

const SESSIONS = Array.from({ length: 15 }, (_, n) => `session-${n}`);
const DEVICES = ["desk", "tower", "laptop"];
const BATCHES = 40;
const BATCH_MAX = 20;
const HOURS = 20;
const SERVER = { WHARF_SESSION_IDLE_MINUTES: "1000000" };

const database = useTestDatabase({ migrate: migratePhases });
// After useTestDatabase, which sets the usual one.
setDefaultTimeout(TEST_TIMEOUT_MS * 2);
const servers: ServerProcess[] = [];

afterEach(async () => {
  for (const { program } of servers.splice(0)) {
    program.kill("SIGKILL");
    await program.exited;
  }
});

async function launch() {
  const server = await startServer({ DATABASE_URL: database.url, ...SERVER });
  servers.push(server);
  return { server, sender: createSender(server.url) };
}

/** The order of arrival decides between the devices of a session, and the version before knows no owners: each session has one device. */
function ownerOf(session: string): string | undefined {
  return DEVICES[SESSIONS.indexOf(session) % DEVICES.length];
}

/** Events about shared sessions. No two have the same time, so that the order of arrival could decide nothing even by a tie. */
function batchOf(device_id: string, random: () => number): SentEvent[] {
  const size = 1 + Math.floor(random() * BATCH_MAX);
  const events = Array.from({ length: size }, () => {
    const event = randomEvent(device_id, SESSIONS, random);
    const session = event.session_id ?? event.data["cc_session_id"] ?? event.data["session_id"];
    return {
      ...event,
      device_id: ownerOf(String(session)) ?? device_id,
      timestamp: minute(random() * HOURS * 60),
    };
  });
  // An environment that several devices speak of belongs to the first of them that is stored.
  return events.filter(({ type }) => !type.startsWith("remote."));
}

function reportOf(
  device_id: string,
  random: () => number,
): SessionReport & { workspace_canonical_id: string } {
  const started = random() * HOURS * 60;
  const id = SESSIONS[Math.floor(random() * SESSIONS.length)] ?? "";
  return {
    id,
    workspace_canonical_id: `github.com/acme/repo-${Math.floor(random() * 3)}`,
    device_id: ownerOf(id) ?? device_id,
    started_at: minute(started),
    ended_at: random() < 0.5 ? minute(started + random() * 90) : null,
    model: `m-${Math.floor(random() * 5)}`,
    tags: [`t-${Math.floor(random() * 5)}`],
    metadata: { n: Math.floor(random() * 9) },
  };
}

test("a process of the code before and today's server write side by side, and the kill of the first loses nothing", async () => {
  const random = seededRandom();
  const { server, sender } = await launch();
  const before = await startCodeBefore(database.url);
  const sent: SentEvent[] = [];
  const reports: ReturnType<typeof reportOf>[] = [];

  async function runBefore(): Promise<void> {
    for (let n = 0; n < BATCHES; n++) {
      const batch = batchOf("desk", random);
      await before.flush(batch);
      sent.push(...batch);
      const refused = batchOf("tower", random).slice(0, 2);
      if (n % 8 === 0) await before.flushAlone(refused);
      if (n % 8 === 0) sent.push(...refused);
      const report = reportOf("desk", random);
      if (n % 5 === 0) await before.report(report);
      if (n % 5 === 0) reports.push(report);
      // The last rounds and retries are left to the next process.
      if (n % 3 === 0 && n < BATCHES - 5) await before.round();
      if (n === BATCHES / 2) await before.retry(3);
    }
  }
  async function runToday(): Promise<void> {
    for (let n = 0; n < BATCHES; n++) {
      const batch = batchOf(DEVICES[n % DEVICES.length] ?? "", random);
      if (batch.length > 0) await sender.events(batch);
      sent.push(...batch);
      const report = reportOf("laptop", random);
      if (n % 5 === 0) await sender.post("/api/sessions", report);
      if (n % 5 === 0) reports.push(report);
    }
  }
  await Promise.all([runBefore(), runToday()]);
  await before.end();
  server.program.kill("SIGKILL");
  await server.program.exited;

  await launch();
  const compare = async () => {
    const events = await readEvents(database.sql);
    return { counted: countDerived(events, { reports }), derived: await readDerived(database.sql), events };
  };
  const isEqual = async () => {
    const { counted, derived } = await compare();
    return Bun.deepEquals(derived, counted);
  };
  // A failure is shown by the comparison below.
  await until(isEqual, { deadlineMs: TEST_TIMEOUT_MS / 2 }).catch(() => undefined);
  const { counted, derived, events } = await compare();
  expect(events.map(({ id }) => id)).toEqual(sent.map(({ id }) => id).sort());
  expect(Object.fromEntries(Object.entries(derived).map(([name, rows]) => [name, [...rows]]))).toEqual(
    counted,
  );
  await expectEventCountsEqualRecount(database.sql);
});

test("what the code before changes about sessions stays when today's server projects more events of them", async () => {
  const { sender } = await launch();
  const before = await startCodeBefore(database.url);
  const fields = { device_id: "desk", workspace_id: "github.com/acme/idle" };
  await before.flush([toolUse("tagged", 1, fields), toolUse("silent", 2, fields)]);
  await before.round();
  await before.addTag("tagged", "kept");
  await before.endIdle(["silent"]);
  await before.end();
  expect((await sender.send("GET", "/api/sessions/silent")).session).toMatchObject({
    lifecycle: "ended",
    end_reason: "crash",
  });
  await sender.events([toolUse("tagged", 0, fields), toolUse("silent", 3, fields)]);
  expect((await sender.send("GET", "/api/sessions/tagged")).session).toMatchObject({ tags: ["kept"] });
  const { session } = await sender.send("GET", "/api/sessions/silent");
  expect(session).toMatchObject({ lifecycle: "detected", ended_at: null });
});

test("a merge of the code before that leaves its facts equal does not undo what today's server derived", async () => {
  const { sender } = await launch();
  const before = await startCodeBefore(database.url);
  const fields = { device_id: "desk", workspace_id: "github.com/acme/first" };
  await before.flush([start("moved", 10, {}, fields)]);
  await before.round();
  const earlier = { device_id: "desk", workspace_canonical_id: "github.com/acme/second" };
  await sender.post("/api/sessions", { id: "moved", started_at: minute(5), ...earlier });
  await before.flush([start("moved", 11, {}, fields)]);
  await before.round();
  await before.end();
  await database.sql`INSERT INTO jobs (queue, type, payload) VALUES ('recurring', 'repair-ingest', '{"due_ms": 0}')`;
  const workspace = async () =>
    (await sender.send("GET", "/api/sessions/moved")).session.workspace_canonical_id;
  await until(async () => (await workspace()) === "github.com/acme/second", {
    describe: "the session to be derived again",
  });
  expect((await sender.send("GET", "/api/sessions/moved")).session).toMatchObject({
    workspace_canonical_id: "github.com/acme/second",
    started_at: "2026-03-01T10:05:00.000000Z",
  });
});
