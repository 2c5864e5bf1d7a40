import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { createTestDatabase, TEST_TIMEOUT_MS, type TestDatabase, until } from "@wharf/testkit";
import { type SentEvent, toolUse } from "../../ingest/__tests__/event-factory.ts";
import { postEvents, readUrl, spawnServer } from "../faults/server-process.ts";
import { seededRandom } from "../seeded-random.ts";
import { startCodeBefore } from "./code-before.ts";
import { fillBefore } from "./fill-before.ts";

/** `bun run test:faults --events N` sets another count. */
const EVENTS = Number(process.env["WHARF_TEST_EVENTS"] || 4_000);
const BOOTS = process.env["WHARF_FAULTS"] === "1" ? 10 : 1;
/** A second on a machine that has nothing else to do: the last line of its output has the figure. */
const GAP_MAX_MS = 10_000;
const PROCESSES = 3;
const BATCH_SIZE = 20;
/** A round follows so many batches, as it does when they come close together. */
const ROUND_BATCHES = 4;
/** Of all processes before the boot, and after it. */
const BATCHES = 60;
const MILLION_MS = 30 * TEST_TIMEOUT_MS;
const BOOT_MAX_MS = TEST_TIMEOUT_MS + (EVENTS / 1e6) * MILLION_MS;
setDefaultTimeout(2 * BOOTS * BOOT_MAX_MS);

const fill = fillBefore(EVENTS);
const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** Devices that send batches, one after another each, and the time of each acknowledgement. */
function startLoad(random: () => number) {
  const acknowledged: string[] = [];
  const state = { batches: 0, gap_ms: 0, wait_ms: 0, lastAt_ms: performance.now(), isStopped: false };
  const running: Promise<void>[] = [];

  async function run(device_id: string, send: (batch: SentEvent[]) => Promise<void>, after = async () => {}) {
    for (let n = 1; !state.isStopped; n++) {
      const batch = Array.from({ length: BATCH_SIZE }, () =>
        toolUse(`session-${Math.floor(random() * 50)}`, Math.floor(random() * 600), { device_id }),
      );
      const sentAt_ms = performance.now();
      await send(batch);
      const now_ms = performance.now();
      state.gap_ms = Math.max(state.gap_ms, now_ms - state.lastAt_ms);
      state.wait_ms = Math.max(state.wait_ms, now_ms - sentAt_ms);
      state.lastAt_ms = now_ms;
      state.batches += 1;
      acknowledged.push(...batch.map(({ id }) => id));
      if (n % ROUND_BATCHES === 0) await after();
    }
  }

  return {
    acknowledged,
    state,
    add: (...parameters: Parameters<typeof run>) => running.push(run(...parameters)),
    /** What was before, such as the first plans of the statements, does not count. */
    measureFromNow: () => {
      Object.assign(state, { gap_ms: 0, wait_ms: 0, lastAt_ms: performance.now() });
    },
    progress: async () => {
      const before = state.batches;
      // A sender that fails ends the wait.
      await Promise.race([
        until(() => state.batches >= before + BATCHES, { deadlineMs: TEST_TIMEOUT_MS }),
        ...running,
      ]);
    },
    stop: async () => {
      state.isStopped = true;
      await Promise.all(running);
    },
  };
}

/** One boot of the new version; answers what it took, to the first batch that it accepted, and the longest gap and wait of all. */
async function boot(database: TestDatabase, random: () => number) {
  const load = startLoad(random);
  for (let n = 0; n < PROCESSES; n++) {
    const before = await startCodeBefore(database.url);
    cleanUp.push(before.end);
    load.add(`device-${n}`, before.flush, before.round);
  }
  await load.progress();
  load.measureFromNow();
  const startedAt_ms = performance.now();
  const program = spawnServer({ DATABASE_URL: database.url });
  cleanUp.push(() => program.kill("SIGKILL"));
  await program.waitForOutput(/"msg":"ready"/, BOOT_MAX_MS);
  const url = await readUrl(program);
  const boot_ms = performance.now() - startedAt_ms;
  let accepted_ms = 0;
  load.add("device-new", async (batch) => {
    while ((await postEvents(url, batch))?.status !== 202) await Bun.sleep(20);
    accepted_ms ||= performance.now() - startedAt_ms - boot_ms;
  });
  await until(() => accepted_ms > 0, { deadlineMs: TEST_TIMEOUT_MS });
  await load.progress();
  // As long as all send: the last one alone would be a gap.
  const { gap_ms, wait_ms } = load.state;
  await load.stop();
  const rows = await database.sql`SELECT FROM events WHERE id = ANY (${load.acknowledged})`;
  expect(rows).toHaveLength(load.acknowledged.length);
  expect(new Set(load.acknowledged).size).toBe(BATCH_SIZE * load.state.batches);
  return { boot_ms, accepted_ms, gap_ms, wait_ms, acknowledged: rows.length };
}

test("the new version boots on a filled database under the load of the version before, and no acknowledgement is missed for long", async () => {
  const random = seededRandom();
  for (let n = 1; n <= BOOTS; n++) {
    const database = await createTestDatabase({ migrate: fill });
    cleanUp.push(database.drop);
    const figures = await boot(database, random);
    const rounded = Object.entries(figures).map(([name, value]) => [name, Math.round(value)]);
    process.stdout.write(`${JSON.stringify({ boot: n, events: EVENTS, ...Object.fromEntries(rounded) })}\n`);
    expect(figures.gap_ms).toBeLessThan(GAP_MAX_MS);
    for (const undo of cleanUp.splice(0).reverse()) await undo();
  }
});
