/** A fault, the test file that makes it happen, a part of the names of its tests, and the invariants that they assert. */
export type Scene = {
  fault: string;
  file: string;
  tests: RegExp;
  invariants: string;
  /** Without it, its tests are skipped. */
  needsPgBouncer?: boolean;
};

const server = (path: string) => `packages/server/src/${path}.test.ts`;
const fault = (name: string) => server(`__tests__/faults/${name}`);
const runner = (name: string) => `packages/job-runner/src/${name}.test.ts`;
const client = (path: string) => `packages/client/src/${path}.test.ts`;

/** Every fault that Wharf is to survive: docs/durability.md explains them. */
export const SCENES: readonly Scene[] = [
  {
    fault: "server killed in the middle of batches",
    file: fault("kill-server"),
    tests: /killed in the middle of batches/,
    invariants: "I1 I5",
  },
  {
    fault: "server killed in the middle of appends",
    file: fault("killed-appends"),
    tests: /killed between and within appends/,
    invariants: "I1",
  },
  {
    fault: "server killed in the middle of a parse",
    file: server("transcripts/__tests__/killed-parses"),
    tests: /killed again and again/,
    invariants: "I1 I8",
  },
  {
    fault: "server killed in the middle of a deletion",
    file: fault("data-truth"),
    tests: /deletion whose server is killed/,
    invariants: "I1 I8",
  },
  {
    fault: "worker killed in the middle of a job",
    file: runner("__tests__/kill"),
    tests: /killed and frozen at random/,
    invariants: "I2 I3 I8",
  },
  {
    fault: "worker frozen beyond its lease",
    file: runner("__tests__/run-steps"),
    tests: /frozen beyond its lease/,
    invariants: "I2 I3 I4",
  },
  {
    fault: "event loop blocked beyond the lease",
    file: runner("__tests__/semantics"),
    tests: /event loop is blocked beyond the lease/,
    invariants: "I4 I8",
  },
  {
    fault: "worker ended in the middle of jobs",
    file: runner("__tests__/leases"),
    tests: /drain waits|exceeds the drain/,
    invariants: "I5",
  },
  {
    fault: "output or error of a job that the store refuses",
    file: runner("__tests__/refused-writes"),
    tests: /rejects permanently/,
    invariants: "I5 I8",
  },
  {
    fault: "clocks of servers a day ahead and a day behind",
    file: fault("clocks"),
    tests: /a day ahead and a day behind/,
    invariants: "I1 I4",
  },
  {
    fault: "Postgres killed in the middle of flushes",
    file: fault("database-faults"),
    tests: /killed in the middle of flushes/,
    invariants: "I1 I7 I8",
  },
  {
    fault: "all backends ended",
    file: fault("database-faults"),
    tests: /all backends end at once/,
    invariants: "I1 I7",
  },
  {
    fault: "response lost after the commit",
    file: fault("kill-server"),
    tests: /response was lost after the commit/,
    invariants: "I1 I5",
  },
  {
    fault: "the same batch several times at once",
    file: server("ingest/__tests__/concurrency"),
    tests: /the same batch/,
    invariants: "I1 I5",
  },
  {
    fault: "events before their session, in any order",
    file: server("ingest/__tests__/order-independence"),
    tests: /lead to the same/,
    invariants: "I1",
  },
  {
    fault: "migration interrupted or deadlocked",
    file: server("db/__tests__/migration-lock"),
    tests: /whose connection was cut|no deadlock with another run|lets statements of others pass/,
    invariants: "",
  },
  {
    fault: "eight processes boot on an empty database",
    file: fault("boot"),
    tests: /eight processes/,
    invariants: "",
  },
  {
    fault: "edited migration, database newer than the code",
    file: server("__tests__/boot-migrations"),
    tests: /edited migration|newer than itself/,
    invariants: "",
  },
  {
    fault: "all connections taken",
    file: fault("database-faults"),
    tests: /every connection is taken/,
    invariants: "I1 I7",
  },
  {
    fault: "most connections refused",
    file: fault("connections"),
    tests: /refuses most of its connections/,
    invariants: "I1 I7",
  },
  {
    fault: "three processes on a Postgres with max_connections = 20",
    file: fault("connections"),
    tests: /three servers share the 17 connections/,
    invariants: "I1 I7",
  },
  {
    fault: "Postgres frozen",
    file: fault("database-faults"),
    tests: /Postgres frozen/,
    invariants: "I1 I8",
  },
  {
    fault: "black hole, and connections that are accepted and closed",
    file: fault("connections"),
    tests: /black hole|accepts and closes/,
    invariants: "I7",
  },
  {
    fault: "black hole under the job engine",
    file: runner("stores/__tests__/black-hole"),
    tests: /unresponsive/,
    invariants: "I1 I8",
  },
  {
    fault: "slow senders",
    file: fault("connections"),
    tests: /sender that stops/,
    invariants: "I1",
  },
  {
    fault: "malformed and odd values",
    file: server("ingest/__tests__/odd-values"),
    tests: /stored as it came|rejected alone|become U\+FFFD/,
    invariants: "I5",
  },
  {
    fault: "bodies that are too large, also unpacked",
    file: server("ingest/__tests__/bodies"),
    tests: /too large is refused/,
    invariants: "I7",
  },
  {
    fault: "bodies that are costly to parse",
    file: server("ingest/__tests__/costly-bodies"),
    tests: /too many values/,
    invariants: "I7",
  },
  {
    fault: "many wrong keys",
    file: server("__tests__/errors"),
    tests: /too many wrong keys/,
    invariants: "I6",
  },
  {
    fault: "SIGTERM under load",
    file: fault("signals"),
    tests: /under load/,
    invariants: "I1",
  },
  {
    fault: "SIGTERM in a black hole",
    file: fault("black-hole"),
    tests: /drains in time/,
    invariants: "I7",
  },
  {
    fault: "log pipe full or gone",
    file: fault("log"),
    tests: /full pipe|without a reader/,
    invariants: "I7",
  },
  {
    fault: "session locked by hand",
    file: server("ingest/__tests__/foreign-keys-by-row"),
    tests: /a transaction holds locked/,
    invariants: "I1",
  },
  {
    fault: "embedded Postgres killed alone",
    file: fault("embedded-postgres"),
    tests: /restarts a Postgres that was killed/,
    invariants: "I1 I8",
  },
  {
    fault: "old and new version side by side, the old one killed",
    file: server("__tests__/upgrade/rolling"),
    tests: /write side by side/,
    invariants: "I1",
  },
  {
    fault: "new version booting under load of the one before",
    file: server("__tests__/upgrade/rolling-boots"),
    tests: /boots on a filled database/,
    invariants: "I1",
  },
  {
    fault: "secrets in requests and connection strings",
    file: server("__tests__/canary"),
    tests: /no secret is in a table/,
    invariants: "I6",
  },
  {
    fault: "hub unavailable to a device",
    file: client("sender/__tests__/sender"),
    tests: /hub is unavailable|hub was restarted/,
    invariants: "I1",
  },
  {
    fault: "hub that refuses one event of many",
    file: client("sender/__tests__/sender"),
    tests: /refused apart|by halving|hub fails for one/,
    invariants: "I1 I5",
  },
  {
    fault: "sender killed again and again",
    file: client("__tests__/hooks-to-hub"),
    tests: /killed again and again/,
    invariants: "I1 I5",
  },
  {
    fault: "disk of a device full",
    file: client("__tests__/unwritable-files"),
    tests: /full disk/,
    invariants: "I1",
  },
  {
    fault: "PgBouncer in transaction mode",
    file: fault("pgbouncer"),
    tests: /two servers migrate/,
    invariants: "I1 I5",
    needsPgBouncer: true,
  },
  {
    fault: "connected to a standby",
    file: fault("failover"),
    tests: /left on a standby/,
    invariants: "I7",
  },
  {
    fault: "read replica behind or unavailable",
    file: fault("failover"),
    tests: /reads by a replica/,
    invariants: "",
  },
  {
    fault: "synchronous standby unavailable",
    file: fault("failover"),
    tests: /synchronous standby that is unavailable/,
    invariants: "I1 I8",
  },
  {
    fault: "primary killed, synchronous standby promoted",
    file: fault("failover"),
    tests: /after its loss the promoted standby/,
    invariants: "I1 I8",
  },
  {
    fault: "three servers behind PgBouncer: a server, a worker and the primary killed",
    file: fault("replicas"),
    tests: /three servers behind PgBouncer/,
    invariants: "I1 I3 I5 I8",
    needsPgBouncer: true,
  },
];
