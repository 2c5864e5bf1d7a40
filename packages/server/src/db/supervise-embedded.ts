import type { EmbeddedPostgres } from "@wharf/embedded-postgres";
import type { Logger } from "../logger.ts";
import { pause } from "../waits.ts";

const CHECK_INTERVAL_MS = 500;
/** With waits that double from the first to the longest, the tries take about a quarter of an hour. */
export const RESTARTS_MAX = 20;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
/** One that ended again sooner counts as a restart that failed: else a crash at each start would be repeated without a limit. */
export const STABLE_AFTER_MS = 60_000;

export type Supervision = {
  /** Why the database does not answer at the moment, for the health check; null while its process lives. */
  problem(): string | null;
  /** Ends the supervision, after a restart that is under way. */
  stop(): Promise<void>;
};

export type SupervisionOptions = {
  logger: Logger;
  now?: () => number;
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
};

type Supervised = Pick<EmbeddedPostgres, "isRunning" | "restart" | "port">;

/** Restarts the embedded Postgres when it ends by itself: killed for memory, or in a PANIC because its disk is full. */
export function superviseEmbedded(postgres: Supervised, options: SupervisionOptions): Supervision {
  const { logger, now = () => performance.now(), sleep = pause } = options;
  const stopping = new AbortController();
  let problem: string | null = null;
  let restarts = 0;
  let startedAt = now();

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (await postgres.isRunning()) await sleep(CHECK_INTERVAL_MS, stopping.signal);
      else if (!(await restart())) return;
    }
  }

  /** False when there is nothing left to try. */
  async function restart(): Promise<boolean> {
    if (now() - startedAt >= STABLE_AFTER_MS) restarts = 0;
    if (restarts === RESTARTS_MAX) return giveUp();
    restarts += 1;
    problem = `the embedded Postgres has stopped and is being restarted (attempt ${restarts} of ${RESTARTS_MAX})`;
    logger.error({ attempt: restarts, attempts_max: RESTARTS_MAX }, "embedded Postgres stopped; restarting");
    if (restarts > 1) await sleep(waitBefore(restarts), stopping.signal);
    if (stopping.signal.aborted) return false;
    const begunAt = now();
    try {
      await postgres.restart();
      startedAt = now();
      problem = null;
      const duration_ms = Math.round(startedAt - begunAt);
      logger.info({ port: postgres.port, duration_ms }, "embedded Postgres restarted");
    } catch (error) {
      logger.error({ err: error, attempt: restarts }, "embedded Postgres restart failed");
    }
    return true;
  }

  function giveUp(): false {
    problem = `the embedded Postgres has stopped, and ${RESTARTS_MAX} restart attempts failed: check the log, then restart Wharf`;
    logger.fatal(problem);
    return false;
  }

  const watching = watch();
  return {
    problem: () => problem,
    stop: () => {
      stopping.abort();
      return watching;
    },
  };
}

function waitBefore(attempt: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** (attempt - 2), LONGEST_WAIT_MS);
}
