export type PoolName = "flush" | "background" | "interactive" | "jobs" | "direct";
export type PoolSizes = Record<PoolName, number>;

/** Four processes, such as two during a rolling deployment of two, fit the 97 that Postgres gives out by default. */
export const CONNECTIONS_DEFAULT = 24;
/** One for each pool, two for the interactive one: slow lists must not take the connection that a key's look-up, and with it an event, needs. */
export const CONNECTIONS_MIN = 6;
/** With fewer, there are no connections to LISTEN and for the health check, and parts of a pool share its connections. */
export const CONNECTIONS_AMPLE = 14;
export const CONNECTIONS_MAX = 500;

/** As many as there are flushes under way at the same time. */
const FLUSH = 2;
/** LISTEN of the job engine and of live readers, the health check, and one for migrations and transactions. */
const DIRECT = 4;

const EDITS_MAX = 2;
/** Look-ups are gathered: one statement at a time. */
const KEYS = 1;
const REPORTS = 1;
/** Two flushes with per-row checks, a projection round and a report. */
const URGENT_IN_BACKGROUND = 4;
const ADMINISTRATION_MAX = 2;
/** Each holds a connection of its own, and a processor. */
const PARSES_MAX = 2;

/**
 * Divides the connections of a process, CONNECTIONS_MIN or more. Of the rest, without flushes and direct connections, a third goes
 * to the background, a quarter to the job engine, and the rest to what people wait for.
 */
export function poolSizesOf(connections: number): PoolSizes {
  const isAmple = connections >= CONNECTIONS_AMPLE;
  const [flush, direct] = isAmple ? [FLUSH, DIRECT] : [1, 1];
  const rest = connections - flush - direct;
  const background = Math.floor(rest / 3);
  const jobs = Math.floor(rest / 4);
  return { flush, background, interactive: rest - background - jobs, jobs, direct };
}

export type PoolShares = Record<
  "reads" | "edits" | "keys" | "reports" | "deferrable" | "jobAdministration" | "parses",
  number
>;

/**
 * How many connections of its pool each part takes at most. Those of the interactive pool add up to its size; edits without a connection
 * of their own share that of reads.
 */
export function sharesOf({ background, interactive, jobs, direct }: PoolSizes): PoolShares {
  const reads = Math.max(1, interactive - EDITS_MAX - KEYS);
  return {
    reads,
    edits: interactive - reads - KEYS,
    keys: KEYS,
    reports: REPORTS,
    deferrable: Math.max(1, background - URGENT_IN_BACKGROUND),
    parses: Math.min(PARSES_MAX, direct),
    jobAdministration: Math.max(1, Math.min(ADMINISTRATION_MAX, jobs - 1)),
  };
}
