import type { Logger } from "pino";
import type { JobRun } from "./job-run.ts";

/** What a job's `run` is given. */
export interface JobContext {
  readonly jobId: string;
  readonly type: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Names this lease of the job. Write it beside what must not be written by a worker that lost the job. */
  readonly leaseToken: string;
  /** Aborts on timeout, cancel, drain, and before the lease ends: after that nothing this run writes will count. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Extends the lease now; false when it is lost. Beats happen by themselves: only code that blocks needs it. */
  heartbeat(): Promise<boolean>;
}

export interface ContextServices {
  readonly logger: Logger;
  heartbeat(run: JobRun): Promise<boolean>;
}

/** The context of one run; all of it is read from the run when asked for. */
export class RunContext implements JobContext {
  readonly #run: JobRun;
  readonly #services: ContextServices;

  constructor(run: JobRun, services: ContextServices) {
    this.#run = run;
    this.#services = services;
  }

  get jobId() {
    return this.#run.job.jobId;
  }

  get type() {
    return this.#run.job.type;
  }

  get attempt() {
    return this.#run.job.attempts + 1;
  }

  get leaseToken() {
    return this.#run.job.token;
  }

  get signal() {
    return this.#run.signal;
  }

  get logger() {
    return this.#services.logger.child({ job_id: this.jobId, job_type: this.type });
  }

  heartbeat() {
    return this.#services.heartbeat(this.#run);
  }
}
