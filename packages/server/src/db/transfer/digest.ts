export type Digest = { rows: number; checksum: string };

/** Counts rows and sums a hash of each, so that two tables with the same rows agree in any order of reading. */
export function createDigest(): { add(row: string): void; result(): Digest } {
  let rows = 0;
  let sum = 0n;
  return {
    add: (row) => {
      rows += 1;
      sum = BigInt.asUintN(64, sum + Bun.hash.wyhash(row));
    },
    result: () => ({ rows, checksum: sum.toString(16).padStart(16, "0") }),
  };
}
