import type { LongRun } from "./long-runs.ts";
import { createLongRuns } from "./long-runs.ts";
import type { JobGauges } from "./metrics.ts";
import type { Settings } from "./settings.ts";
import { createSnapshotWatch } from "./snapshot-watch.ts";
import type { Workforce } from "./workforce.ts";

export type Diagnosis = {
  look(): Promise<void>;
  gauges(): JobGauges;
  longRuns(limit: number): Promise<LongRun[]>;
};

/** Finds problems for operators: runs that take too long, and old snapshots that hold back vacuum. */
export function createDiagnosis(
  settings: Settings,
  workforce: Workforce,
  onDatabaseError: (operation: string, error: unknown) => void,
): Diagnosis {
  const longRuns = createLongRuns(settings, workforce.running);
  const snapshots = createSnapshotWatch(settings.driver, settings.logger);

  /** Logs new problems. Never rejects. */
  async function look(): Promise<void> {
    longRuns.report();
    await snapshots.look().catch((error: unknown) => onDatabaseError("snapshots", error));
  }

  function gauges(): JobGauges {
    const { holders, oldestMs } = snapshots.state();
    return {
      running: workforce.running().length,
      stuck: longRuns.stuckRuns().length,
      unwritten: workforce.unwritten(),
      claimLateMs: workforce.claimLateMs(),
      snapshotHolders: holders,
      oldestSnapshotMs: oldestMs,
    };
  }

  return { look, gauges, longRuns: longRuns.list };
}
