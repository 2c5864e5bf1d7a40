export type Random = {
  /** At least `min` and less than `max`. */
  between(min: number, max: number): number;
  /** A whole number from `min` to `max`. */
  whole(min: number, max: number): number;
  of<T>(values: readonly [T, ...T[]]): T;
  chance(probability: number): boolean;
  hex(characters: number): string;
  uuid(): string;
};

/** Mulberry32: the same values for the same seed. */
export function createRandom(seed: number): Random {
  let state = seed;

  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  const between = (min: number, max: number) => min + next() * (max - min);
  const whole = (min: number, max: number) => Math.floor(between(min, max + 1));
  const hex = (characters: number) =>
    Array.from({ length: characters }, () => whole(0, 15).toString(16)).join("");
  return {
    between,
    whole,
    of: (values) => values[whole(0, values.length - 1)] ?? values[0],
    chance: (probability) => next() < probability,
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
  };
}
