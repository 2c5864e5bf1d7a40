import type { Logger } from "pino";
import type { Sql } from "postgres";

export interface JobRunnerOptions {
  readonly sql: Sql;
  readonly migrate?: () => Promise<unknown>;
  readonly jobs?: readonly [];
  readonly logger?: Logger;
}

export interface JobRunner {
  start(): Promise<void>;
  drain(deadlineMs?: number): Promise<void>;
}

/** A job runner over a pool: `start` applies the migrations before anything else. */
export function createJobRunner(options: JobRunnerOptions): JobRunner {
  async function start() {
    await options.migrate?.();
  }
  async function drain(_deadlineMs?: number) {}
  return { start, drain };
}
