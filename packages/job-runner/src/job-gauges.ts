import type { JobGauges } from "./metrics.ts";
import type { Settings } from "./runner-options.ts";
import type { Workforce } from "./workforce.ts";

const STUCK_FACTOR = 5;

/** What runs in this process now, and what of it runs for five times as long as expected. */
export function gaugesOf(workforce: Workforce, { jobs }: Settings): JobGauges {
  const running = workforce.running();
  const nowMs = performance.now();
  const stuck = running.filter((run) => {
    const expectedMs = jobs.get(run.job.type)?.expectedRunMs;
    return expectedMs !== undefined && nowMs - run.startedAtMs > expectedMs * STUCK_FACTOR;
  });
  return { running: running.length, stuck: stuck.length };
}
