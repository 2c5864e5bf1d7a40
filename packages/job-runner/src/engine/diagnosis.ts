import { createLongRuns } from "./long-runs.ts";
import type { JobGauges } from "./metrics.ts";
import type { Settings } from "./runner-options.ts";
import { createSnapshotWatch } from "./snapshot-watch.ts";
import type { Workforce } from "./workforce.ts";

/** What may need an operator: runs that take too long, and old snapshots that hold back vacuum. */
export function createDiagnosis(
  settings: Settings,
  workforce: Workforce,
  onDatabaseError: (operation: string, error: unknown) => void,
) {
  const longRuns = createLongRuns(settings, workforce.running);
  const snapshots = createSnapshotWatch(settings.driver, settings.logger);

  /** Logs what is new. Never rejects. */
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
