/** Names are fixed: dashboards and alerts of older systems read them. Counters stand at 0 from the first scrape. */
const COUNTERS = {
  submitted: ["phase6_task_submitted_total", "Jobs enqueued; a repeat by idempotency key does not count."],
  completed: ["phase6_task_completed_total", "Jobs completed."],
  failed: ["phase6_task_failed_total", "Jobs that ended in failed; a retried attempt does not count."],
  recovered: ["phase6_task_recovered_total", "Jobs taken back after a lost lease."],
} as const;

const CLAIM_LATENCY_BOUNDS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600,
];
const RUN_DURATION_BOUNDS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800];

export type JobGauges = {
  /** Jobs running in this process now. */
  readonly running: number;
  /** Of these, jobs that run for more than stuckFactor (five) times their expectedRunMs. */
  readonly stuck: number;
  /** Runs of this process that have ended and whose outcome is not stored yet. */
  readonly unwritten: number;
  /** For how long claims have been sent without an answer from the store: it is away, or its connections lead nowhere. */
  readonly claimLateMs: number;
  /** What holds back vacuum: transactions, prepared ones and replication slots, as last looked at. */
  readonly snapshotHolders: number;
  /** Age of the oldest of their transactions. */
  readonly oldestSnapshotMs: number;
};

/** Counts what this process does with jobs, and writes it in the Prometheus text format. */
export function createMetrics(gauges: () => JobGauges) {
  const counts = { submitted: 0, completed: 0, failed: 0, recovered: 0 };
  const databaseErrors = new Map<string, number>();
  const scheduleErrors = new Map<string, number>();
  const claimLatency = createHistogram(CLAIM_LATENCY_BOUNDS_S);
  const runDuration = createHistogram(RUN_DURATION_BOUNDS_S);

  function count(name: keyof typeof counts, by = 1) {
    counts[name] += by;
  }

  const databaseError = (operation: string) => countIn(databaseErrors, operation);
  const scheduleError = (schedule: string) => countIn(scheduleErrors, schedule);

  /** The text exposition, to stand alone or beside other metrics. */
  function prometheus(): string {
    const { running, stuck, unwritten, claimLateMs, snapshotHolders, oldestSnapshotMs } = gauges();
    return [
      ...Object.entries(COUNTERS).map(([key, [name, help]]) =>
        series(name, "counter", help, [`${name} ${counts[key as keyof typeof counts]}`]),
      ),
      gauge("phase6_task_running", "Jobs running in this process now.", running),
      gauge("phase6_task_stuck", "Jobs running for more than five times their expected time.", stuck),
      gauge("phase6_task_unwritten", "Ended runs whose outcome is not stored yet.", unwritten),
      gauge("phase6_task_claim_late_seconds", "Since the first claim without an answer.", claimLateMs / 1000),
      gauge("phase6_snapshot_holders", "Old snapshots that hold back vacuum.", snapshotHolders),
      gauge("phase6_oldest_snapshot_seconds", "Age of the oldest of these.", oldestSnapshotMs / 1000),
      claimLatency.text(
        "phase6_task_claim_latency_seconds",
        "From runnable to claimed, by the database's clock.",
      ),
      runDuration.text(
        "phase6_task_run_duration_seconds",
        "From start to end of a run, whatever its outcome.",
      ),
      labelled(
        "phase6_database_errors_total",
        "operation",
        "Database errors of the job engine, by operation.",
        databaseErrors,
      ),
      labelled(
        "phase6_schedule_errors_total",
        "schedule",
        "Attempts to enqueue a due schedule that failed.",
        scheduleErrors,
      ),
    ].join("");
  }

  return {
    counts,
    count,
    databaseError,
    scheduleError,
    observeClaim: (ms: number) => claimLatency.observe(ms / 1000),
    observeRun: (ms: number) => runDuration.observe(ms / 1000),
    prometheus,
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

function createHistogram(bounds: readonly number[]) {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;

  function observe(value: number) {
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket += 1;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
    sum += value;
  }

  function text(name: string, help: string): string {
    let total = 0;
    const lines = [...bounds, "+Inf"].map((bound, bucket) => {
      total += counts[bucket] ?? 0;
      return `${name}_bucket{le="${bound}"} ${total}`;
    });
    return series(name, "histogram", help, [...lines, `${name}_sum ${sum}`, `${name}_count ${total}`]);
  }

  return { observe, text };
}

function gauge(name: string, help: string, value: number): string {
  return series(name, "gauge", help, [`${name} ${value}`]);
}

function series(name: string, kind: string, help: string, lines: readonly string[]): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.map((line) => `${line}\n`).join("")}`;
}

function labelled(name: string, label: string, help: string, values: ReadonlyMap<string, number>): string {
  const lines = [...values].map(([key, value]) => `${name}{${label}="${escaped(key)}"} ${value}`);
  return series(name, "counter", help, lines);
}

function escaped(label: string): string {
  return label.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function countIn(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
