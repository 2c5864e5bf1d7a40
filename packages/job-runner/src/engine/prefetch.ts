/** Work claimed ahead: enough to hide a claim, too little to withhold jobs from an idle process. */
export const PREFETCH_MS = 50;
const PREFETCH_MAX = 3000;
/** Weight of the newest run in the average. */
const RUN_AVERAGE_WEIGHT = 0.1;

export type Prefetch = {
  noteRun(ms: number): void;
  jobs(slots: number): number;
};

/** Computes how many jobs to claim ahead from the duration of runs; 0 until one has ended. */
export function createPrefetch(): Prefetch {
  let averageRunMs = Number.POSITIVE_INFINITY;

  function noteRun(ms: number) {
    const runMs = Math.max(ms, 0.001);
    const isFirst = averageRunMs === Number.POSITIVE_INFINITY;
    averageRunMs = isFirst ? runMs : averageRunMs + RUN_AVERAGE_WEIGHT * (runMs - averageRunMs);
  }

  /** For a number of slots, without those of long runs. */
  function jobs(slots: number): number {
    return Math.min(PREFETCH_MAX, Math.floor((slots * PREFETCH_MS) / averageRunMs));
  }

  return { noteRun, jobs };
}
