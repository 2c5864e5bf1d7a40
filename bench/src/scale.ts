/**
 * What a benchmark does once to show that it runs: `BENCH_SMOKE=1`, as `bun run check` sets it. Its figures mean nothing.
 */
export const IS_SMOKE = process.env["BENCH_SMOKE"] === "1";

/** `full`, or `smoke` where only a run is to be shown. */
export function sized(full: number, smoke: number): number {
  return IS_SMOKE ? smoke : full;
}

/** Rounds of a benchmark: ROUNDS in the environment, else `usual`. */
export function roundsOr(usual: number): number {
  return Number(process.env["ROUNDS"] ?? sized(usual, 1));
}
