import { LRUCache } from "lru-cache";

/** A revoked key is refused on every replica after at most this long. */
export const KEY_CACHE_MS = 5_000;
export const CACHED_KEYS_MAX = 10_000;

export type KeyCache<Key> = {
  /** The key with this hash, or null: as the database had it at most KEY_CACHE_MS ago. */
  find(hash: string): Promise<Key | null>;
  /** Forgets everything: a key was changed by this process. */
  forget(): void;
};

type Entry<Key> = { key: Key; asOf_ms: number };

/** Remembers keys and, apart from them, hashes that are none: guesses must not push real keys out. */
export function createKeyCache<Key>(
  lookUp: (hash: string) => Promise<Key | null>,
  now: () => number = () => performance.now(),
): KeyCache<Key> {
  const hits = new LRUCache<string, Entry<Key>>({ max: CACHED_KEYS_MAX });
  const misses = new LRUCache<string, Entry<null>>({ max: CACHED_KEYS_MAX });
  const underWay = new Map<string, Promise<Key | null>>();
  let generation = 0;

  async function refresh(hash: string): Promise<Key | null> {
    // The age counts from before the look-up, so that a revocation meanwhile is seen in time.
    const asOf_ms = now();
    const startedIn = generation;
    const key = await lookUp(hash);
    if (startedIn !== generation) return key;
    hits.delete(hash);
    if (key === null) misses.set(hash, { key: null, asOf_ms });
    else hits.set(hash, { key, asOf_ms });
    return key;
  }

  /** Undefined: not known, or too old. */
  function remembered(hash: string): Key | null | undefined {
    const entry = hits.get(hash) ?? misses.get(hash);
    return entry !== undefined && now() - entry.asOf_ms < KEY_CACHE_MS ? entry.key : undefined;
  }

  function find(hash: string): Promise<Key | null> {
    const key = remembered(hash);
    if (key !== undefined) return Promise.resolve(key);
    const pending = underWay.get(hash);
    if (pending !== undefined) return pending;
    const started = refresh(hash).finally(() => {
      if (underWay.get(hash) === started) underWay.delete(hash);
    });
    underWay.set(hash, started);
    return started;
  }

  function forget(): void {
    generation += 1;
    hits.clear();
    misses.clear();
    underWay.clear();
  }

  return { find, forget };
}
