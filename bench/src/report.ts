import { arch, cpus, platform } from "node:os";

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  return (low + high) / 2;
}

/** The value that so many of a hundred stay below. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}

/** Median of each figure over the rounds. */
export function medians(rounds: readonly Record<string, number>[]): Record<string, number> {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  return Object.fromEntries(
    [...names].map((name) => [name, median(rounds.flatMap((round) => round[name] ?? []))]),
  );
}

export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

export function machine(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? "?"}, ${platform()} ${arch()}, Bun ${Bun.version}`;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The last line of a benchmark: one JSON object that a program can read. */
export function printResult(result: Record<string, unknown>): void {
  print(JSON.stringify(result));
}
