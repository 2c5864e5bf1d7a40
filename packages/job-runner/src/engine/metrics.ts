import { createRegistry } from "./metrics-registry.ts";

const CLAIM_LATENCY_BOUNDS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600,
];
const RUN_DURATION_BOUNDS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800];

export type JobCounts = {
  readonly submitted: number;
  readonly completed: number;
  readonly failed: number;
  readonly recovered: number;
};

export type JobGauges = {
  /** Jobs running in this process now. */
  readonly running: number;
  /** Of these, jobs that run for more than stuckFactor (five) times their expectedRunMs. */
  readonly stuck: number;
  /** Runs of this process that have ended and whose outcome is not stored yet. */
  readonly unwritten: number;
  /** Age of the oldest claim without a response: the store is unavailable, or its connections lead nowhere. */
  readonly claimLateMs: number;
  /** Transactions, prepared transactions and replication slots that hold back vacuum, at the last check. */
  readonly snapshotHolders: number;
  /** Age of the oldest of their transactions. */
  readonly oldestSnapshotMs: number;
};

export type Metrics = {
  counts(): JobCounts;
  count(name: keyof JobCounts, by?: number): void;
  databaseError(operation: string): void;
  scheduleError(schedule: string): void;
  observeClaim(ms: number): void;
  observeRun(ms: number): void;
  /** In the Prometheus text format. */
  prometheus(): string;
};

/** Counts what this process does with jobs. The names are fixed: dashboards and alerts of older systems read them. */
export function createMetrics(gauges: () => JobGauges): Metrics {
  const registry = createRegistry();
  const { counter, histogram } = registry;
  const counters = {
    submitted: counter(
      "phase6_task_submitted_total",
      "Jobs enqueued; a repeat by idempotency key does not count.",
    ),
    completed: counter("phase6_task_completed_total", "Jobs completed."),
    failed: counter(
      "phase6_task_failed_total",
      "Jobs that ended in failed; a retried attempt does not count.",
    ),
    recovered: counter("phase6_task_recovered_total", "Jobs recovered after a lost lease."),
  };
  const gauge = (name: string, help: string, read: () => number) =>
    registry.observed("gauge", name, help, read);
  gauge("phase6_task_running", "Jobs running in this process now.", () => gauges().running);
  gauge(
    "phase6_task_stuck",
    "Jobs running for more than five times their expected time.",
    () => gauges().stuck,
  );
  gauge("phase6_task_unwritten", "Ended runs whose outcome is not stored yet.", () => gauges().unwritten);
  gauge(
    "phase6_task_claim_late_seconds",
    "Age of the oldest claim without a response.",
    () => gauges().claimLateMs / 1000,
  );
  gauge("phase6_snapshot_holders", "Old snapshots that hold back vacuum.", () => gauges().snapshotHolders);
  gauge(
    "phase6_oldest_snapshot_seconds",
    "Age of the oldest of these snapshots.",
    () => gauges().oldestSnapshotMs / 1000,
  );
  const claimLatency = histogram(
    "phase6_task_claim_latency_seconds",
    "From runnable to claimed, by the database's clock.",
    CLAIM_LATENCY_BOUNDS_S,
  );
  const runDuration = histogram(
    "phase6_task_run_duration_seconds",
    "Duration of a run, for all outcomes.",
    RUN_DURATION_BOUNDS_S,
  );
  const databaseErrors = counter(
    "phase6_database_errors_total",
    "Database errors of the job engine, by operation.",
    ["operation"],
  );
  const scheduleErrors = counter(
    "phase6_schedule_errors_total",
    "Attempts to enqueue a due schedule that failed.",
    ["schedule"],
  );

  return {
    counts: () => ({
      submitted: counters.submitted.total(),
      completed: counters.completed.total(),
      failed: counters.failed.total(),
      recovered: counters.recovered.total(),
    }),
    count: (name, by = 1) => counters[name].add(by),
    databaseError: (operation) => databaseErrors.add(1, operation),
    scheduleError: (schedule) => scheduleErrors.add(1, schedule),
    observeClaim: (ms) => claimLatency.observe(ms / 1000),
    observeRun: (ms) => runDuration.observe(ms / 1000),
    prometheus: registry.text,
  };
}
