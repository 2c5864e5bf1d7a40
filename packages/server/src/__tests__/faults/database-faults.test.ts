import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import postgres from "postgres";
import { anEvent, type SentEvent } from "../../ingest/__tests__/event-factory.ts";
import { seededRandom } from "../seeded-random.ts";
import { type Fleet, idsOf, resend, startFleet } from "./device-fleet.ts";
import { type OwnPostgres, startOwnPostgres } from "./own-postgres.ts";
import { expectCaughtUp } from "./recount.ts";
import { type Answer, postEvents, type ServerProcess, startServer, statusOf } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const CONNECTIONS_MAX = 25;
const BACK_IN_SERVICE_MS = 2_000;
const NOT_READY_WITHIN_MS = 5_000;
const IN_GOOD_TIME = { deadlineMs: 30_000 };
/** Beyond a deadline: what a busy machine may take to notice that it has passed. */
const SLACK_MS = 1_500;

let database: OwnPostgres;
let server: ServerProcess;
let fleet: Fleet | undefined;

beforeAll(async () => {
  database = await startOwnPostgres({ max_connections: `${CONNECTIONS_MAX}` });
  server = await startServer({ DATABASE_URL: database.url });
});

afterEach(async () => {
  database.thaw();
  await fleet?.stop();
  fleet = undefined;
});

afterAll(async () => {
  server.program.kill("SIGTERM");
  // The same process has lived through all of it, and drains as if nothing had been.
  expect(await server.program.exited).toBe(0);
  await database.remove();
});

const serves = async () => (await postEvents(server.url, [anEvent()]))?.status === 202;

async function withConnection<T>(use: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(database.url, { max: 1 });
  try {
    return await use(sql);
  } finally {
    await sql.end();
  }
}

const storedIds = () =>
  withConnection(async (sql) => {
    const rows = await sql<{ id: string }[]>`SELECT id FROM events`;
    return new Set(rows.map(({ id }) => id));
  });

/** All batches of a fleet are stored once, now or after a retry, and everything is derived from them. */
async function expectNothingLost({ acknowledged, unacknowledged }: Fleet): Promise<void> {
  const before = await storedIds();
  expect(idsOf(acknowledged).filter((id) => !before.has(id))).toEqual([]);
  const again = await resend(server.url, unacknowledged);
  const stored = idsOf(unacknowledged).filter((id) => before.has(id)).length;
  expect(again).toEqual({ ingested: idsOf(unacknowledged).length - stored, duplicates: stored, rejected: 0 });
  const after = await storedIds();
  expect(idsOf([...acknowledged, ...unacknowledged]).filter((id) => !after.has(id))).toEqual([]);
  await withConnection(expectCaughtUp);
}

test("Postgres killed in the middle of flushes: 503 meanwhile, serving again within two seconds, nothing lost", async () => {
  const running = startFleet(server.url, seededRandom());
  fleet = running;
  await until(() => running.acknowledged.length >= 30);
  await database.crash();
  const answered = running.answers.length;
  await until(() => running.answers.length >= answered + 20);
  for (const answer of running.answers.slice(answered + 6))
    expect(answer).toMatchObject({ status: 503, retryAfter: "1" });
  expect(await statusOf(server.url, "/health/live")).toBe(200);
  expect(await statusOf(server.url, "/health/ready")).toBe(503);
  await database.restart();
  const startedAt = performance.now();
  await until(serves);
  expect(performance.now() - startedAt).toBeLessThan(BACK_IN_SERVICE_MS);
  const served = running.acknowledged.length;
  await until(() => running.acknowledged.length > served);
  await running.stop();
  await expectNothingLost(running);
  expect(await statusOf(server.url, "/health/ready")).toBe(200);
});

test("all backends end at once: open requests can be retried, and others succeed", async () => {
  const running = startFleet(server.url, seededRandom());
  fleet = running;
  await withConnection(async (sql) => {
    for (let round = 1; round <= 3; round++) {
      const served = running.acknowledged.length;
      await until(() => running.acknowledged.length >= served + 10);
      const ended = await sql`
        SELECT FROM pg_stat_activity WHERE application_name LIKE 'wharf-%' AND pg_terminate_backend(pid)`;
      expect(ended.length).toBeGreaterThan(0);
    }
  });
  await until(serves);
  await running.stop();
  await expectNothingLost(running);
});

test("every connection is taken: 503 meanwhile, and service as soon as one is free", async () => {
  const occupier = postgres(database.url, { max: 1 });
  const hoard = [occupier];
  const sent: SentEvent[][] = [];
  const refused = await until<Answer | false>(async () => {
    await occupier`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'wharf%'`;
    while (await takeOne(hoard));
    const batch = [anEvent()];
    sent.push(batch);
    const answer = await postEvents(server.url, batch);
    return answer !== null && answer.status !== 202 && answer;
  }, IN_GOOD_TIME);
  expect(refused).toMatchObject({ status: 503, retryAfter: "1" });
  expect(await statusOf(server.url, "/health/live")).toBe(200);
  await Promise.all(hoard.map((sql) => sql.end({ timeout: 0 })));
  await until(serves);
  const again = await resend(server.url, sent);
  expect(again.ingested + again.duplicates).toBe(sent.length);
  const stored = await storedIds();
  expect(idsOf(sent).filter((id) => !stored.has(id))).toEqual([]);
  await withConnection(expectCaughtUp);
});

/** False when the database gives out no more connections. */
async function takeOne(hoard: postgres.Sql[]): Promise<boolean> {
  const sql = postgres(database.url, { max: 1, connect_timeout: 2 });
  try {
    await sql`SELECT 1`;
    hoard.push(sql);
    return true;
  } catch {
    await sql.end({ timeout: 0 });
    return false;
  }
}

test("Postgres frozen: not ready within five seconds, alive, the queue bounded, then 429 and 503, and all is well when it thaws", async () => {
  await database.freeze();
  const large = () => Array.from({ length: 1_000 }, () => anEvent());
  const sent = Array.from({ length: 24 }, large);
  const settled: (Answer | null)[] = [];
  const answers = sent.map(async (batch) => {
    const answer = await postEvents(server.url, batch);
    settled.push(answer);
    return answer;
  });
  const first = await Promise.race(answers);
  expect(first).toMatchObject({ status: 429, retryAfter: "1" });
  expect(await statusOf(server.url, "/health/live")).toBe(200);
  const startedAt = performance.now();
  expect(await statusOf(server.url, "/health/ready")).toBe(503);
  expect(performance.now() - startedAt).toBeLessThan(NOT_READY_WITHIN_MS + SLACK_MS);
  // The flushes that were under way run into their deadline, ten seconds after they began.
  const refused = await until(() => settled.find((answer) => answer?.status === 503), IN_GOOD_TIME);
  expect(refused.retryAfter).toBe("1");
  database.thaw();
  await until(serves, {
    ...IN_GOOD_TIME,
    describe: () => `the server serves again:\n${server.program.stdout.slice(-3_000)}`,
  });
  await until(async () => (await statusOf(server.url, "/health/ready")) === 200);
  const ended = await Promise.all(answers);
  const unanswered = sent.filter((_, i) => ended[i]?.status !== 202);
  const again = await resend(server.url, unanswered);
  expect(again.ingested + again.duplicates).toBe(unanswered.length * 1_000);
  const stored = await storedIds();
  expect(idsOf(sent).filter((id) => !stored.has(id))).toEqual([]);
  await withConnection(expectCaughtUp);
});
