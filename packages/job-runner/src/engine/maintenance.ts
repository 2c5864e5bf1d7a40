import type { Metrics } from "./metrics.ts";
import { createScheduler } from "./scheduler.ts";
import type { Settings } from "./settings.ts";

/** How often a runner checks for due schedules and undelivered events. */
const LOOK_EVERY_MS = 1000;
const DIAGNOSE_EVERY_MS = 30_000;
const MAINTAIN_EVERY_MS = 3_600_000;

export type MaintenanceOptions = {
  readonly settings: Settings;
  readonly metrics: Metrics;
  deliverEvents(): Promise<void>;
  diagnose(): Promise<void>;
  /** Jobs were enqueued by a schedule. */
  onEnqueued(): void;
  onDatabaseError(operation: string, error: unknown): void;
  onScheduleError(schedule: string, error: unknown): void;
};

export type Maintenance = {
  start(): Promise<void>;
  stop(): Promise<void>;
  failingSchedules(): Record<string, string>;
};

/** The periodic tasks of a runner: schedules, undelivered events, retention, diagnosis. None of them rejects. */
export function createMaintenance({
  settings,
  metrics,
  deliverEvents,
  diagnose,
  onEnqueued,
  onDatabaseError,
  onScheduleError,
}: MaintenanceOptions): Maintenance {
  const { driver, schedules, retention } = settings;
  const scheduler = createScheduler(driver, schedules, onScheduleError);
  const timers: ReturnType<typeof setInterval>[] = [];
  let looking: Promise<void> | undefined;

  async function start(): Promise<void> {
    await Promise.all([maintain(), look()]);
    timers.push(setInterval(() => void maintain(), MAINTAIN_EVERY_MS));
    timers.push(setInterval(() => void look(), LOOK_EVERY_MS));
    timers.push(setInterval(() => void diagnose(), DIAGNOSE_EVERY_MS));
  }

  /** Resolves when no task is running. */
  async function stop(): Promise<void> {
    for (const timer of timers.splice(0)) clearInterval(timer);
    await looking;
  }

  async function look(): Promise<void> {
    looking ??= Promise.all([deliverEvents(), fireSchedules()]).then(() => {
      looking = undefined;
    });
    await looking;
  }

  async function fireSchedules() {
    try {
      const enqueued = await scheduler.fireDue();
      metrics.count("submitted", enqueued.length);
      if (enqueued.length > 0) onEnqueued();
    } catch (error) {
      onDatabaseError("schedule", error);
    }
  }

  async function maintain() {
    await driver.maintain(retention).catch((error: unknown) => onDatabaseError("maintain", error));
  }

  return { start, stop, failingSchedules: scheduler.failing };
}
