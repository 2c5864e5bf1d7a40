/** A revoked key is refused on every replica after at most this long. */
export const KEY_CACHE_MS = 5_000;
export const CACHED_KEYS_MAX = 10_000;

export type KeyCache<Key> = {
  /** What `find` would answer with, where it need not ask; else undefined. */
  remembered(hash: string): Key | null | undefined;
  /** The key with this hash, or null: as the database had it at most KEY_CACHE_MS ago. */
  find(hash: string): Promise<Key | null>;
  /** Whether it was a key when it was last looked up, however long ago that was. */
  wasKnown(hash: string): boolean;
  /** Whether it is being looked up: whoever asks for it now asks nothing new. */
  isUnderWay(hash: string): boolean;
  /** Forgets everything: a key was changed by this process. */
  forget(): void;
};

type Entry<Key> = { key: Key; asOf_ms: number };

/** Remembers keys and, apart from them, hashes that are none: guesses must not push real keys out. */
export function createKeyCache<Key>(
  lookUp: (hash: string) => Promise<Key | null>,
  now: () => number = () => performance.now(),
): KeyCache<Key> {
  const hits = new Map<string, Entry<Key>>();
  const misses = new Map<string, Entry<null>>();
  const underWay = new Map<string, Promise<Key | null>>();
  let generation = 0;

  async function refresh(hash: string): Promise<Key | null> {
    // The age counts from before the look-up, so that a revocation meanwhile is seen in time.
    const asOf_ms = now();
    const startedIn = generation;
    const key = await lookUp(hash);
    if (startedIn !== generation) return key;
    hits.delete(hash);
    if (key === null) remember(misses, hash, { key, asOf_ms });
    else remember(hits, hash, { key, asOf_ms });
    return key;
  }

  function remembered(hash: string): Key | null | undefined {
    const entry = hits.get(hash) ?? misses.get(hash);
    return entry !== undefined && now() - entry.asOf_ms < KEY_CACHE_MS ? entry.key : undefined;
  }

  function find(hash: string): Promise<Key | null> {
    const key = remembered(hash);
    if (key !== undefined) return Promise.resolve(key);
    const pending = underWay.get(hash);
    if (pending !== undefined) return pending;
    const started = refresh(hash).finally(() => underWay.delete(hash));
    underWay.set(hash, started);
    return started;
  }

  function forget(): void {
    generation += 1;
    for (const entry of hits.values()) entry.asOf_ms = Number.NEGATIVE_INFINITY;
    misses.clear();
    underWay.clear();
  }

  return {
    remembered,
    find,
    wasKnown: (hash) => hits.has(hash),
    isUnderWay: (hash) => underWay.has(hash),
    forget,
  };
}

/** The oldest goes when there are too many. */
function remember<Value>(entries: Map<string, Value>, hash: string, value: Value): void {
  entries.delete(hash);
  const oldest = entries.size >= CACHED_KEYS_MAX ? entries.keys().next().value : undefined;
  if (oldest !== undefined) entries.delete(oldest);
  entries.set(hash, value);
}
