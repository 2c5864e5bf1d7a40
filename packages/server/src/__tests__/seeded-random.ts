/**
 * A generator of numbers in [0, 1) that begins again from its seed (mulberry32). Without one given, the seed is that of
 * WHARF_TEST_SEED or a new one, and printed, so that a failure can be repeated.
 */
export function seededRandom(seed: number = newSeed()): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function shuffle<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function newSeed(): number {
  const seed = Number(process.env["WHARF_TEST_SEED"]) || Math.floor(Math.random() * 2 ** 31);
  process.stdout.write(`seed ${seed}\n`);
  return seed;
}
