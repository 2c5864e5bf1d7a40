import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import type { Database } from "../database.ts";
import { errorCode } from "../database-errors.ts";
import { withFewerConnections } from "../fewer-connections.ts";
import { migratePhases } from "../phases.ts";
import {
  CONNECTIONS_AMPLE,
  CONNECTIONS_DEFAULT,
  CONNECTIONS_MAX,
  CONNECTIONS_MIN,
  poolSizesOf,
  sharesOf,
} from "../pool-sizes.ts";
import { openPools, type Pools } from "../pools.ts";
import type { Sql } from "../postgres.ts";
import { withReplica } from "../replica.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
/** What Postgres gives out with its default of 100: three are kept for superusers. */
const POSTGRES_DEFAULT_MAX = 97;
/** Longer than any query of these tests: what it holds is ended by the test. */
const HELD_S = 60;
const DEADLINE_MS = 100_000;

let pools: Pools | undefined;
let isOver = false;

afterEach(async () => {
  isOver = true;
  await database.sql`
    SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'wharf-%'`;
  await pools?.close();
  pools = undefined;
  isOver = false;
});

function open(connections: number): Pools {
  pools = openPools({ url: database.url, connections, deadlineMs: DEADLINE_MS });
  return pools;
}

/** Begins that many slow queries; they end with the test. */
function occupy(part: Database, count: number): void {
  const sleep = async (sql: Sql) => {
    if (!isOver) await sql`SELECT pg_sleep(${HELD_S})`;
  };
  for (let query = 0; query < count; query++) void part.run(sleep).catch(() => undefined);
}

async function sleeping(): Promise<number> {
  const rows = await database.sql`
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'wharf-%' AND wait_event = 'PgSleep'`;
  return rows.length;
}

const answers = (part: Database) => part.run((sql) => sql`SELECT 1 AS one`);

describe("the sizes of the pools", () => {
  test("add up to the connections of the process, and each part fits its pool", () => {
    for (let connections = CONNECTIONS_MIN; connections <= CONNECTIONS_MAX; connections++) {
      const sizes = poolSizesOf(connections);
      const shares = sharesOf(sizes);
      expect(Object.values(sizes).reduce((sum, size) => sum + size, 0)).toBe(connections);
      const { edits, ...others } = shares;
      expect(Math.min(...Object.values(sizes), ...Object.values(others))).toBeGreaterThan(0);
      expect(shares.reads + edits + shares.keys).toBe(sizes.interactive);
      if (connections < CONNECTIONS_AMPLE) continue;
      expect(edits).toBeGreaterThan(0);
      expect(shares.jobAdministration).toBeLessThan(sizes.jobs);
      expect(shares.deferrable).toBeLessThan(sizes.background);
    }
  });

  test("let three replicas with the fewest fit a Postgres with 20 connections, each with all but its direct one", () => {
    const { direct } = poolSizesOf(CONNECTIONS_MIN);
    expect((CONNECTIONS_MIN - direct) * 3).toBeLessThan(20 - 3);
  });

  test("let three replicas fit a Postgres with 100 connections, and four during a rolling deployment", () => {
    expect(CONNECTIONS_DEFAULT * 3).toBeLessThan(POSTGRES_DEFAULT_MAX - 10);
    expect(CONNECTIONS_DEFAULT * 4).toBeLessThanOrEqual(POSTGRES_DEFAULT_MAX);
  });
});

describe.each([CONNECTIONS_AMPLE, CONNECTIONS_DEFAULT])("with %i connections", (connections) => {
  test("slow lists keep no edit and no look-up of a key waiting", async () => {
    const { reads, edits, keys, ingest, flush } = open(connections);
    const { reads: share } = sharesOf(poolSizesOf(connections));
    occupy(reads, 3 * share + 10);
    await until(async () => (await sleeping()) === share);
    for (const part of [edits, keys, ingest, flush]) expect([...(await answers(part))]).toEqual([{ one: 1 }]);
    expect(await sleeping()).toBe(share);
  });

  test("slow edits keep no list and no look-up of a key waiting", async () => {
    const { reads, edits, keys } = open(connections);
    const { edits: share } = sharesOf(poolSizesOf(connections));
    occupy(edits, 10);
    await until(async () => (await sleeping()) === share);
    for (const part of [reads, keys]) expect([...(await answers(part))]).toEqual([{ one: 1 }]);
    expect(await sleeping()).toBe(share);
  });

  test("slow lists of jobs keep no worker waiting", async () => {
    const { jobs, jobAdministration } = open(connections);
    const { jobAdministration: share } = sharesOf(poolSizesOf(connections));
    occupy(jobAdministration, 10);
    await until(async () => (await sleeping()) === share);
    expect([...(await answers(jobs))]).toEqual([{ one: 1 }]);
    expect(await sleeping()).toBe(share);
  });
});

test("with the fewest connections, slow lists and edits keep no look-up of a key, no flush and no job waiting", async () => {
  const { reads, edits, keys, flush, ingest, jobs, jobAdministration, health, listen } =
    open(CONNECTIONS_MIN);
  occupy(reads, 5);
  occupy(edits, 5);
  await until(async () => (await sleeping()) === 1);
  for (const part of [keys, flush, ingest, jobs, jobAdministration])
    expect([...(await answers(part))]).toEqual([{ one: 1 }]);
  expect(await health.check()).toMatchObject({ ok: true });
  expect(await listen.sql()).toBe(false);
  expect(await sleeping()).toBe(1);
  const opened = await database.sql`
    SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'wharf-%'`;
  expect(opened.length).toBeLessThan(CONNECTIONS_MIN);
});

test("all parts together open no more connections than the process may", async () => {
  const parts = open(CONNECTIONS_DEFAULT);
  const { flush, background, interactive, jobs } = poolSizesOf(CONNECTIONS_DEFAULT);
  occupy(parts.flush, flush);
  occupy(parts.ingest, background);
  occupy(parts.jobs, jobs);
  for (const part of [parts.reads, parts.edits, parts.keys]) occupy(part, CONNECTIONS_DEFAULT);
  await until(async () => (await sleeping()) === flush + background + interactive + jobs);
  const rows = await database.sql`
    SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'wharf-%'`;
  expect(rows.length).toBeLessThanOrEqual(CONNECTIONS_DEFAULT);
});

test("deletions, recurring jobs and reports leave connections for flushes with per-row checks", async () => {
  const { deferrable, reports, ingest } = open(CONNECTIONS_DEFAULT);
  const shares = sharesOf(poolSizesOf(CONNECTIONS_DEFAULT));
  occupy(deferrable, 10);
  occupy(reports, 10);
  await until(async () => (await sleeping()) === shares.deferrable + shares.reports);
  expect([...(await answers(ingest))]).toEqual([{ one: 1 }]);
});

describe("a part of a pool that is used up", () => {
  test("refuses what has waited longer than a statement may take", async () => {
    pools = openPools({ url: database.url, connections: CONNECTIONS_MIN, deadlineMs: 400 });
    const { keys } = pools;
    const slow = () => keys.run((sql) => sql`SELECT pg_sleep(${HELD_S})`).catch((error) => error.code);
    // Postgres ends each after 320 ms, later on a busy machine, where the second may have waited for too long; the third always has.
    const [first, second, third] = await Promise.all([slow(), slow(), slow()]);
    expect([first, third]).toEqual(["57014", "STORAGE_TIMEOUT"]);
    expect(["57014", "STORAGE_TIMEOUT"]).toContain(second);
  });

  test("gives a failed query's turn to the next one", async () => {
    const { edits } = open(CONNECTIONS_MIN);
    const failing = Array.from({ length: 5 }, () =>
      edits.run((sql) => sql`SELECT 1 / 0`).catch(() => "failed"),
    );
    expect(new Set(await Promise.all(failing))).toEqual(new Set(["failed"]));
    expect([...(await answers(edits))]).toEqual([{ one: 1 }]);
  });
});

test("queries that Postgres refuses every connection fail soon, however many there are", async () => {
  const refused: Database = {
    run: () => Promise.reject(Object.assign(new Error("too many clients"), { code: "53300" })),
    close: () => Promise.resolve(),
  };
  const some = withFewerConnections(refused, {
    max: 3,
    deadlineMs: HELD_S * 10_000,
    onRefused: () => undefined,
  });
  const codes = await Promise.all(
    Array.from({ length: 6 }, () => some.run((sql) => sql`SELECT 1`).catch(errorCode)),
  );
  expect(new Set(codes)).toEqual(new Set(["53300"]));
});

test("a statement that takes too long is ended by Postgres, and leaves its pool and the others' queries alone", async () => {
  pools = openPools({ url: database.url, connections: CONNECTIONS_DEFAULT, deadlineMs: 1_000 });
  const { reads, edits } = pools;
  const before = await edits.run((sql) => sql`SELECT pg_backend_pid() AS pid`);
  const slow = reads.run((sql) => sql`SELECT pg_sleep(${HELD_S})`);
  await expect(slow).rejects.toMatchObject({ code: "57014" });
  const after = await edits.run((sql) => sql`SELECT pg_backend_pid() AS pid`);
  expect([...after]).toEqual([...before]);
});

describe("reads by a replica", () => {
  /** A server of which each query ends as `answer` does. */
  function aServer(answer: Database["run"]) {
    const server = {
      queries: 0,
      run: ((query) => {
        server.queries += 1;
        return answer(query);
      }) satisfies Database["run"],
      close: async () => {},
    };
    return server;
  }
  const aPrimary = () => aServer(async (query) => query(database.sql));

  test("are by the primary at once where the replica is no standby", async () => {
    const promoted = aPrimary();
    expect([...(await answers(withReplica(aPrimary(), promoted)))]).toEqual([{ one: 1 }]);
    expect(promoted.queries).toBe(1);
  });

  test("are by the primary alone for a while, where the replica does not respond", async () => {
    const frozen = aServer(() => new Promise(() => {}));
    const reads = withReplica(aPrimary(), frozen);
    for (let n = 0; n < 3; n++) expect([...(await answers(reads))]).toEqual([{ one: 1 }]);
    expect(frozen.queries).toBe(1);
  });
});
