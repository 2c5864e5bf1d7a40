import type { Io } from "../io.ts";

export type Progress = { add(amount: number): void; end(): void };

const CELLS = 24;
const DRAWN_MS = 100;

/** A bar on standard error, on a terminal only. `total` and amounts are bytes. */
export function createProgress(io: Io, total: number, now: () => number = Date.now): Progress {
  const started_ms = now();
  let done = 0;
  let drawn_ms = 0;

  function draw(): void {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const bar = "█".repeat(Math.round(share * CELLS)).padEnd(CELLS, "░");
    const left_s = share === 0 ? null : Math.ceil((((now() - started_ms) / share) * (1 - share)) / 1000);
    const left = left_s === null ? "" : `, ${left_s} s left`;
    process.stderr.write(`\r${bar} ${megabytes(done)} of ${megabytes(total)}${left}\x1b[K`);
  }

  return {
    add(amount) {
      done += amount;
      if (!io.isTerminal || now() - drawn_ms < DRAWN_MS) return;
      drawn_ms = now();
      draw();
    },
    end() {
      if (io.isTerminal) process.stderr.write("\r\x1b[K");
    },
  };
}

export function megabytes(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.ceil(bytes / 1_000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
