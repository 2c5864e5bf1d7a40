import type { JobSummary, QueueStats } from "../contract/admin-store.ts";
import type { StepRecord } from "../contract/durable-store.ts";
import { jobState } from "../contract/job-state.ts";
import type { Settings } from "./settings.ts";

/** Running jobs of all processes among which the holders of concurrency keys are looked up, longest first. */
const LOOKED_AT_MAX = 1000;
/** Workers look for jobs every two seconds or more often: a job that waits for longer is not seen by any. */
const CLAIM_EXPECTED_MS = 10_000;

/** Why a job that has not ended does not run. */
export type WaitingReason = {
  readonly reason:
    | "paused" // its queue is
    | "not_due"
    | "retry" // not due, after a failure
    | "sleep"
    | "event" // until it is sent
    | "key_held" // by as many running jobs as its concurrency key may have
    | "turn" // its queue runs other jobs, or it became due just now
    | "no_worker" // due, and no live worker takes it
    | "worker_lost"; // running by its row; its worker sends no heartbeat
  /** One sentence, times in UTC. It ends with the first line of the error or the operator's reason, if there is one. */
  readonly detail: string;
  /** Since when it holds, as ISO text; null: unknown. */
  readonly since: string | null;
  /** When it ends by itself; null: unknown. */
  readonly until: string | null;
  /** The job that holds the concurrency key. */
  readonly jobId: string | null;
};

export type WaitingReasons = {
  /** The reasons of those jobs that wait, by id. `steps`: the steps of jobs, by id; without them, sleeps count as not due. */
  waitingReasons(
    jobs: readonly JobSummary[],
    steps?: ReadonlyMap<string, readonly StepRecord[]>,
  ): Promise<Map<string, WaitingReason>>;
};

type Surroundings = { queues: readonly QueueStats[]; running: readonly JobSummary[] };

export function createWaitingReasons(settings: Settings): WaitingReasons {
  const { driver } = settings;

  async function waitingReasons(
    jobs: readonly JobSummary[],
    steps: ReadonlyMap<string, readonly StepRecord[]> = new Map(),
  ): Promise<Map<string, WaitingReason>> {
    const isReady = jobs.some((job) => jobState(job) === "ready");
    const [queues, running] = isReady
      ? await Promise.all([driver.queueStats(), driver.runningJobs(LOOKED_AT_MAX)])
      : [[], []];
    const reasons = jobs.flatMap((job) => {
      const reason = reasonOf(job, steps.get(job.id) ?? [], { queues, running });
      return reason === null ? [] : [[job.id, reason] as const];
    });
    return new Map(reasons);
  }

  function reasonOf(
    job: JobSummary,
    steps: readonly StepRecord[],
    surroundings: Surroundings,
  ): WaitingReason | null {
    const state = jobState(job);
    if (state === "ready") return whyReady(job, surroundings);
    if (state === "scheduled" || state === "waiting") return whyLater(job, steps);
    return state === "running" ? whyLost(job) : null;
  }

  function whyReady(job: JobSummary, { queues, running }: Surroundings): WaitingReason {
    const stats = queues.find(({ queue }) => queue === job.queue);
    const since = job.runAt ?? job.updatedAt;
    if (stats?.pausedAt != null) return paused(stats.pausedAt, stats.pauseReason);
    return (
      keyHeld(job, running) ??
      (isServed(job, running) && (stats?.running.count ?? 0) > 0
        ? turn(job, stats, since)
        : unclaimed(job, since))
    );
  }

  function keyHeld(
    { concurrencyKey, type }: JobSummary,
    running: readonly JobSummary[],
  ): WaitingReason | null {
    const holders = running.filter(
      (other) => concurrencyKey !== null && other.concurrencyKey === concurrencyKey,
    );
    const [first] = holders;
    if (first === undefined || holders.length < (settings.jobs.get(type)?.keyLimit ?? 1)) return null;
    const others = holders.length === 1 ? "" : ` and ${holders.length - 1} more`;
    const detail = `Its concurrency key "${concurrencyKey}" is held by job ${first.id}${others} since ${shown(first.lockedAt)}.`;
    return { ...NOTHING, reason: "key_held", detail, since: first.lockedAt, jobId: first.id };
  }

  /** Whether this process serves its queue and type, or any process runs its type at present. */
  function isServed(job: JobSummary, running: readonly JobSummary[]): boolean {
    return runsHere(job) || running.some((other) => other.type === job.type);
  }

  function runsHere({ queue, type }: JobSummary): boolean {
    return settings.runsWorkers && settings.jobs.has(type) && settings.queues.has(queue);
  }

  function unclaimed(job: JobSummary, since: string): WaitingReason {
    if (Date.now() - Date.parse(since) < CLAIM_EXPECTED_MS)
      return {
        ...NOTHING,
        reason: "turn",
        detail: `It is due since ${shown(since)}; a worker takes it within seconds.`,
        since,
      };
    const detail = runsHere(job)
      ? `It is due since ${shown(since)}, and the worker of this process has not taken it: its claims are late or fail. See its log.`
      : `It is due since ${shown(since)}, and no live worker of queue ${job.queue} runs jobs of type ${job.type}. Start one.`;
    return { ...NOTHING, reason: "no_worker", detail, since };
  }

  return { waitingReasons };
}

const NOTHING = { since: null, until: null, jobId: null };

function paused(pausedAt: string, why: string | null): WaitingReason {
  const detail = `Its queue is paused since ${shown(pausedAt)}${why === null ? "." : `: ${why}`}`;
  return { ...NOTHING, reason: "paused", detail, since: pausedAt };
}

function turn({ queue }: JobSummary, stats: QueueStats | undefined, since: string): WaitingReason {
  const [ready, running] = [stats?.ready.count ?? 1, stats?.running.count ?? 1];
  const detail = `The workers of queue ${queue} run ${running} ${running === 1 ? "job" : "jobs"}, and ${ready} ${ready === 1 ? "is" : "are"} ready, this one among them.`;
  return { ...NOTHING, reason: "turn", detail, since };
}

function whyLater(job: JobSummary, steps: readonly StepRecord[]): WaitingReason {
  const until = job.runAt === "infinity" ? null : job.runAt;
  const end = until === null ? "" : `, until ${shown(until)} at the latest`;
  const open = steps.filter((step) => step.finishedAt === null);
  const wait = open.find((step) => step.event !== null);
  const since = wait?.createdAt ?? job.updatedAt;
  if (wait?.event != null) {
    const key = wait.event.key === "" ? "" : ` with key "${wait.event.key}"`;
    const detail = `It waits for the event "${wait.event.name}"${key} since ${shown(since)}${end}.`;
    return { ...NOTHING, reason: "event", detail, since, until };
  }
  if (until === null)
    return { ...NOTHING, reason: "event", detail: `It waits for an event since ${shown(since)}.`, since };
  if (open.length > 0)
    return { ...NOTHING, reason: "sleep", detail: `It sleeps until ${shown(until)}.`, since, until };
  if (job.attempts > 0 && job.lastError !== null) {
    const failed = `Attempt ${job.attempts + 1} of ${job.maxAttempts} is due at ${shown(until)}`;
    const detail = `${failed}; the last one failed: ${job.lastError.split("\n", 1)[0]}`;
    return { ...NOTHING, reason: "retry", detail, since, until };
  }
  return { ...NOTHING, reason: "not_due", detail: `It is not due until ${shown(until)}.`, since, until };
}

function whyLost({ leaseExpiresAt, lockedBy }: JobSummary): WaitingReason | null {
  if (leaseExpiresAt === null || Date.parse(leaseExpiresAt) > Date.now()) return null;
  const detail = `Its worker ${lockedBy ?? ""} has sent no heartbeat, and its lease expired at ${shown(leaseExpiresAt)}; the next claim of a live worker requeues it.`;
  return { ...NOTHING, reason: "worker_lost", detail, since: leaseExpiresAt };
}

/** `2026-03-01 09:30:05 UTC`. */
function shown(iso: string | null): string {
  return iso === null ? "an unknown time" : `${iso.slice(0, 19).replace("T", " ")} UTC`;
}
