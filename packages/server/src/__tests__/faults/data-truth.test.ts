import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import pino from "pino";
import { openDatabase } from "../../db/database.ts";
import { TABLES_OF_SESSIONS } from "../../db/edits/session-deletion.ts";
import { migratePhases } from "../../db/phases.ts";
import { type SentEvent, toolUse } from "../../ingest/__tests__/event-factory.ts";
import { retryProjections } from "../../ingest/retry-projections.ts";
import { seededRandom } from "../seeded-random.ts";
import { randomEvent } from "./random-events.ts";
import { expectNoRowsOf, expectTotalsEqualRecount } from "./recount.ts";
import { ADMIN_KEY, postEvents, type ServerProcess, startServer } from "./server-process.ts";

const CLIENTS = 8;
/** Of each client after the last deletion was answered. */
const BATCHES_AFTERWARDS = 10;
const BATCH_MAX = 20;
const SESSIONS = Array.from({ length: 24 }, (_, n) => `session-${n}`);
/** Each is deleted while its events are still being sent; the first has many, so that its deletion takes a while. */
const DELETED = SESSIONS.slice(0, 8);
const LARGE = DELETED[0] ?? "";
const EVENTS_OF_LARGE = 120_000;
const TERMINATION_INTERVAL_MS = 150;
/** Notes are not among them: each refused event has one, without its content. */
const ROW_TABLES = [
  ...TABLES_OF_SESSIONS.filter((table) => table !== "ingest_notes"),
  "events",
  "git_activity",
  "git_matches",
];

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

async function launch(): Promise<ServerProcess> {
  const server = await startServer({ DATABASE_URL: database.url });
  servers.push(server);
  return server;
}

async function addEvents(session: string, count: number): Promise<void> {
  await database.sql`
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data)
    SELECT upper(lpad(to_hex(n), 26, '0')), 'tool.use', started_at, device_id, workspace_id, id, '{}'
    FROM sessions, generate_series(1, ${count}) n WHERE id = ${session}`;
}

/** Null: no answer came, so it may be deleted or not. */
async function remove(url: string, session: string): Promise<number | null> {
  try {
    const request = { method: "DELETE", headers: { authorization: `Bearer ${ADMIN_KEY}` } };
    return (await fetch(`${url}/api/sessions/${session}`, request)).status;
  } catch {
    return null;
  }
}

/** Interrupted deletions resume without waiting for their minute. */
async function finishDeletions(): Promise<void> {
  await database.sql`UPDATE sessions SET deleted_at = now() - interval '1 hour' WHERE deleted_at IS NOT NULL`;
  await database.sql`INSERT INTO jobs (queue, type, payload) VALUES ('recurring', 'resume-deletions', '{"due_ms": 0}')`;
  const left = () => database.sql`SELECT id FROM sessions WHERE deleted_at IS NOT NULL`;
  await until(async () => (await left()).length === 0, {
    describe: "the deletions that were begun to end",
    deadlineMs: 30_000,
  });
}

/** The server may be in the middle of a round: rows that it holds are skipped, and looked at again. */
async function projectTheRest(): Promise<void> {
  const repairing = openDatabase(database.url, { deadlineMs: 60_000, max: 1 });
  const left = () => database.sql`SELECT id, event_ids, last_error FROM projection_queue`;
  await until(
    async () => {
      await database.sql`UPDATE projection_queue SET next_retry_at = now()`;
      await retryProjections(repairing, pino({ level: "silent" }), { age_s: 0 });
      return (await left()).length === 0;
    },
    { describe: async () => `the queue to be empty: ${JSON.stringify(await left())}`, deadlineMs: 30_000 },
  );
  await repairing.close();
}

type Ledger = {
  acknowledged: Map<string, SentEvent>;
  rejected: Map<string, SentEvent>;
  reasons: Set<string>;
  duplicates: number;
  failures: number;
};

/** Sends batch after batch, each until it is answered with 202, as an outbox does; a part of each was sent before. */
async function runClient(
  url: string,
  client: number,
  random: () => number,
  { ledger, isDeleting }: { ledger: Ledger; isDeleting: () => boolean },
): Promise<void> {
  const pick = (max: number) => Math.floor(random() * max);
  const sent: SentEvent[] = [];
  for (let left = BATCHES_AFTERWARDS; left > 0; left -= isDeleting() ? 0 : 1) {
    const size = pick(3) === 0 ? 1 : 1 + pick(BATCH_MAX);
    const batch = Array.from({ length: size }, () =>
      sent.length > 0 && pick(8) === 0
        ? (sent[pick(sent.length)] ?? toolUse(LARGE, 0))
        : randomEvent(`device-${client}`, SESSIONS, random),
    );
    sent.push(...batch);
    await sendUntilTaken(url, batch, ledger);
  }
}

async function sendUntilTaken(url: string, batch: SentEvent[], ledger: Ledger): Promise<void> {
  for (;;) {
    const answer = await postEvents(url, batch);
    if (answer?.status !== 202) {
      expect([undefined, 503, 429]).toContain(answer?.status);
      ledger.failures += 1;
      // As a client waits before it sends again: what is unavailable is not asked a thousand times.
      await Bun.sleep(50);
      continue;
    }
    for (const { index, status } of answer.body.results) {
      const event = batch[index];
      if (event === undefined) throw new Error("a result names no event of the batch");
      (status === "rejected" ? ledger.rejected : ledger.acknowledged).set(event.id, event);
      if (status === "duplicate") ledger.duplicates += 1;
    }
    for (const { error } of answer.body.errors ?? []) ledger.reasons.add(error);
    return;
  }
}

/** Ends backends of the server until it is stopped; answers how many were ended. */
function terminateBackends(random: () => number) {
  let stopped = false;
  const running = (async () => {
    let ended = 0;
    while (!stopped) {
      const rows = await database.sql<{ ended: boolean }[]>`
        SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'wharf%' AND md5(pid::text || ${random()}) < '4'`;
      ended += rows.filter((row) => row.ended).length;
      await Bun.sleep(TERMINATION_INTERVAL_MS);
    }
    return ended;
  })();
  return {
    stop: () => {
      stopped = true;
      return running;
    },
  };
}

/** Deletes one session after the other, each until it is answered; `pace` says when. Answers the statuses. */
async function deleteSessions(url: string, pace: () => Promise<void>): Promise<number[]> {
  const statuses: number[] = [];
  for (const session of DELETED) {
    await pace();
    for (;;) {
      const status = await remove(url, session);
      if (status !== null && status < 500) {
        statuses.push(status);
        break;
      }
      await Bun.sleep(50);
    }
  }
  return statuses;
}

test("events of eight clients, concurrent deletions and ended backends: acknowledged events are stored once, deleted ones are gone", async () => {
  const { url } = await launch();
  const random = seededRandom();
  const first = DELETED.map((session) => toolUse(session, 0));
  const ledger: Ledger = {
    acknowledged: new Map(),
    rejected: new Map(),
    reasons: new Set(),
    duplicates: 0,
    failures: 0,
  };
  await sendUntilTaken(url, first, ledger);
  await addEvents(LARGE, EVENTS_OF_LARGE);

  let isDeleting = true;
  const clients = Promise.all(
    Array.from({ length: CLIENTS }, (_, client) =>
      runClient(url, client, seededRandom(Math.floor(random() * 2 ** 31)), {
        ledger,
        isDeleting: () => isDeleting,
      }),
    ),
  );
  const terminating = terminateBackends(random);
  const share = () => ledger.acknowledged.size + ledger.rejected.size;
  let due = share();
  const deleting = deleteSessions(url, async () => {
    due += 200;
    await until(() => share() >= due, { describe: "more events to be answered", deadlineMs: 30_000 });
  });
  const statuses = await Promise.race([deleting, clients.then(() => [])]);
  isDeleting = false;
  await clients;
  const ended = await terminating.stop();

  // Each fault has really happened.
  expect(ended).toBeGreaterThan(10);
  expect(ledger.failures).toBeGreaterThan(0);
  expect(ledger.duplicates).toBeGreaterThan(10);
  expect(ledger.rejected.size).toBeGreaterThan(10);
  expect(statuses.length).toBe(DELETED.length);

  await finishDeletions();
  await projectTheRest();
  const tombstones = await database.sql<{ session_id: string }[]>`SELECT session_id FROM session_tombstones`;
  expect(tombstones.map((row) => row.session_id).toSorted()).toEqual(DELETED.toSorted());

  const gone = new Set(DELETED);
  const isKept = ({ session_id }: SentEvent) => !gone.has(session_id ?? "");
  const kept = [...ledger.acknowledged.values()].filter(isKept).map(({ id }) => id);
  const stored = (await database.sql<{ id: string }[]>`SELECT id FROM events`).map(({ id }) => id);
  expect(stored.toSorted()).toEqual(kept.toSorted());
  expect([...ledger.reasons]).toEqual(["its session was deleted"]);
  expect([...ledger.rejected.values()].filter(isKept)).toEqual([]);
  await expectNoRowsOf(database.sql, DELETED, ROW_TABLES);
  const noted = database.sql`SELECT FROM ingest_notes WHERE session_id = ANY(${DELETED}) AND body IS NOT NULL`;
  expect(await noted).toHaveLength(0);
  await expectTotalsEqualRecount(database.sql);

  const again = await postEvents(
    url,
    DELETED.map((session) => toolUse(session, 1)),
  );
  expect(again?.body).toMatchObject({ ingested: 0, duplicates: 0, rejected: DELETED.length });
});

test("a deletion whose server is killed is finished by the next one, and its session is refused all along", async () => {
  const first = await launch();
  const session = "killed-while-deleted";
  expect((await postEvents(first.url, [toolUse(session, 0)]))?.status).toBe(202);
  await addEvents(session, EVENTS_OF_LARGE);
  const deleting = remove(first.url, session);
  const count = async () => {
    const [row] = await database.sql`SELECT count(*)::int AS count FROM events WHERE session_id = ${session}`;
    return row?.["count"];
  };
  await until(async () => (await count()) < EVENTS_OF_LARGE, { describe: "the first piece to be deleted" });
  first.program.kill("SIGKILL");
  await first.program.exited;
  await deleting;
  expect(await count()).toBeGreaterThan(0);

  const second = await launch();
  expect((await postEvents(second.url, [toolUse(session, 1)]))?.body).toMatchObject({ rejected: 1 });
  expect(await remove(second.url, session)).toBe(404);
  await finishDeletions();
  await expectNoRowsOf(database.sql, [session], ROW_TABLES);
  expect((await postEvents(second.url, [toolUse(session, 2)]))?.body).toMatchObject({ rejected: 1 });
});
