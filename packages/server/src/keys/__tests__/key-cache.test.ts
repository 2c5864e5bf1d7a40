import { describe, expect, test } from "bun:test";
import { CACHED_KEYS_MAX, createKeyCache, KEY_CACHE_MS } from "../key-cache.ts";

function setup() {
  const stored = new Map<string, string>();
  const lookUps: string[] = [];
  let nowMs = 0;
  let gate: Promise<void> = Promise.resolve();
  const cache = createKeyCache<string>(
    async (hash) => {
      lookUps.push(hash);
      const found = stored.get(hash) ?? null;
      await gate;
      return found;
    },
    () => nowMs,
  );
  return {
    cache,
    stored,
    lookUps,
    advance: (ms: number) => {
      nowMs += ms;
    },
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
}

describe("a remembered key", () => {
  test("is looked up once in KEY_CACHE_MS, a miss as well as a hit", async () => {
    const { cache, stored, lookUps, advance } = setup();
    stored.set("a", "key a");
    for (let i = 0; i < 3; i++) {
      expect(await cache.find("a")).toBe("key a");
      expect(await cache.find("b")).toBeNull();
    }
    expect(lookUps).toEqual(["a", "b"]);
    advance(KEY_CACHE_MS);
    await cache.find("a");
    await cache.find("b");
    expect(lookUps).toEqual(["a", "b", "a", "b"]);
  });

  test("that was revoked elsewhere is gone KEY_CACHE_MS after the look-up began, however long that took", async () => {
    const { cache, stored, advance, hold } = setup();
    stored.set("a", "key a");
    const release = hold();
    const first = cache.find("a");
    advance(KEY_CACHE_MS - 1);
    release();
    expect(await first).toBe("key a");
    stored.delete("a");
    advance(1);
    expect(await cache.find("a")).toBeNull();
  });

  test("is looked up once for requests that come together", async () => {
    const { cache, stored, lookUps } = setup();
    stored.set("a", "key a");
    await Promise.all([cache.find("a"), cache.find("a"), cache.find("a")]);
    expect(lookUps).toEqual(["a"]);
  });

  test("is not put back by a look-up that began before it was forgotten", async () => {
    const { cache, stored, hold } = setup();
    stored.set("a", "key a");
    const release = hold();
    const before = cache.find("a");
    stored.delete("a");
    cache.forget();
    release();
    expect(await before).toBe("key a");
    expect(await cache.find("a")).toBeNull();
  });

  test("is looked up again when it was evicted during its look-up, once for all concurrent requests", async () => {
    const { cache, stored, lookUps, hold } = setup();
    stored.set("a", "key a");
    const release = hold();
    const before = cache.find("a");
    cache.forget();
    const after = [cache.find("a"), cache.find("a")];
    release();
    await before;
    await cache.find("a");
    expect(await Promise.all(after)).toEqual(["key a", "key a"]);
    expect(lookUps).toEqual(["a", "a"]);
  });

  test("is not pushed out by guesses", async () => {
    const { cache, stored, lookUps } = setup();
    stored.set("a", "key a");
    await cache.find("a");
    for (let i = 0; i <= CACHED_KEYS_MAX; i++) await cache.find(`guess ${i}`);
    await cache.find("a");
    expect(lookUps.filter((hash) => hash === "a")).toHaveLength(1);
    await cache.find("guess 0");
    expect(lookUps.filter((hash) => hash === "guess 0")).toHaveLength(2);
  });

  test("is looked up again after a look-up that failed", async () => {
    let attempts = 0;
    const cache = createKeyCache<string>(() => {
      attempts += 1;
      return attempts === 1 ? Promise.reject(new Error("away")) : Promise.resolve("key");
    });
    await expect(cache.find("a")).rejects.toThrow("away");
    expect(await cache.find("a")).toBe("key");
  });
});
