import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import { ValidationError } from "../../errors.ts";
import type { BlobStore } from "../blob-store.ts";

const MIB = 1_048_576;
const LARGE_BYTES = 50 * MIB;
/** Of the store, and of what other tests of the process leave to be collected: up to 27 MB were seen. */
const LIVE_MEMORY_MAX_BYTES = 36 * MIB;
const EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export type Harness = {
  store(): BlobStore;
  /** What there is of complete and of unfinished blobs, read past the store. */
  count(): Promise<{ complete: number; unfinished: number }>;
  /** Changes one byte of the stored content, past the store. */
  damage(hash: string): Promise<void>;
  /** Lets the blob have been put two hours ago, past the store. */
  age(hash: string): Promise<void>;
};

const HOUR_MS = 3_600_000;

/** What every form of the store has to do. */
export function describeBlobStore(name: string, { store, count, damage, age }: Harness): void {
  describe(name, () => {
    for (const size of [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB]) {
      test(`returns ${size} bytes unchanged, under their SHA-256`, async () => {
        const bytes = randomBytes(size);
        const blob = await store().put(streamOf([bytes]));
        expect(blob).toEqual({ hash: sha256(bytes), size });
        expect(Buffer.compare(await read(store(), blob.hash), bytes)).toBe(0);
      });
    }

    test("names content of no bytes by the well-known hash, and knows it as there", async () => {
      expect(await store().put(streamOf([]))).toEqual({ hash: EMPTY_HASH, size: 0 });
      expect(await store().exists(EMPTY_HASH)).toBe(true);
      expect(await read(store(), EMPTY_HASH)).toHaveLength(0);
    });

    test("takes content in pieces of any size, also empty ones", async () => {
      const bytes = randomBytes(2 * MIB + 77);
      const cuts = [0, 0, 1, 5, 5, MIB - 1, MIB + 3, 2 * MIB, bytes.length];
      const pieces = cuts.map((from, index) => bytes.subarray(from, cuts[index + 1] ?? bytes.length));
      const { hash } = await store().put(streamOf(pieces));
      expect(hash).toBe(sha256(bytes));
      expect(Buffer.compare(await read(store(), hash), bytes)).toBe(0);
    });

    test("holds a small part of 50 MB in memory, on the way in and on the way out", async () => {
      const before = liveBytes();
      let most = 0;
      const watch = () => {
        most = Math.max(most, liveBytes() - before);
      };
      const { hash, size } = await store().put(generated(LARGE_BYTES, watch));
      expect(size).toBe(LARGE_BYTES);
      let length = 0;
      let nextWatch = 0;
      for await (const chunk of (await store().get(hash)) ?? streamOf([])) {
        length += chunk.length;
        if (length >= nextWatch) {
          watch();
          nextWatch += 5 * MIB;
        }
      }
      expect(length).toBe(LARGE_BYTES);
      expect(most).toBeLessThan(LIVE_MEMORY_MAX_BYTES);
      await store().delete(hash);
    });

    test("keeps the same content once, also when it comes several times at once", async () => {
      const bytes = randomBytes(MIB + 1);
      const before = await count();
      const blobs = await Promise.all(Array.from({ length: 5 }, () => store().put(streamOf([bytes]))));
      const again = await store().put(streamOf([bytes]));
      expect(new Set([...blobs, again].map(({ hash }) => hash))).toEqual(new Set([sha256(bytes)]));
      expect(await count()).toEqual({ complete: before.complete + 1, unfinished: 0 });
      expect(Buffer.compare(await read(store(), again.hash), bytes)).toBe(0);
    });

    test("leaves nothing behind of a stream that fails half-way, and tells its error", async () => {
      const before = await count();
      const failing = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(randomBytes(3 * MIB)),
        pull: () => Promise.reject(new Error("the line went dead")),
      });
      await expect(store().put(failing)).rejects.toThrow("the line went dead");
      expect(await count()).toEqual({ ...before, unfinished: 0 });
    });

    test("shows nothing of content that is still coming in, and sweeps it only when it has stood still", async () => {
      const before = await count();
      const rest = Promise.withResolvers<void>();
      const isWaiting = Promise.withResolvers<void>();
      const bytes = randomBytes(2 * MIB);
      let part = 0;
      const slow = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            part += 1;
            if (part === 1) return controller.enqueue(bytes);
            isWaiting.resolve();
            await rest.promise;
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      const putting = store().put(slow);
      await isWaiting.promise;
      expect(await count()).toEqual({ ...before, unfinished: 1 });
      expect(await store().exists(sha256(bytes))).toBe(false);
      expect(await store().get(sha256(bytes))).toBeUndefined();
      expect(await store().sweep(3_600_000)).toBe(0);
      expect(await store().sweep(0)).toBe(1);
      rest.resolve();
      await expect(putting).rejects.toThrow();
      expect(await count()).toEqual({ ...before, unfinished: 0 });
    });

    test("removes what was not put for long, and keeps what was put again", async () => {
      const bytes = [1, 2, 3].map(() => randomBytes(MIB + 1));
      const put = (at: number) => store().put(streamOf([bytes[at] ?? randomBytes(1)]));
      const [old, again, young] = [await put(0), await put(1), await put(2)];
      await Promise.all([age(old.hash), age(again.hash)]);
      await put(1);
      const before = await count();
      expect(await store().expire(3 * HOUR_MS)).toBe(0);
      expect(await store().expire(HOUR_MS)).toBe(1);
      expect(await store().expire(HOUR_MS)).toBe(0);
      expect(await count()).toEqual({ complete: before.complete - 1, unfinished: 0 });
      expect(await store().exists(old.hash)).toBe(false);
      for (const { hash } of [again, young]) expect(await read(store(), hash)).toHaveLength(MIB + 1);
      expect(await put(0)).toEqual(old);
    });

    test("never loses what is put while old blobs are removed", async () => {
      const bytes = randomBytes(1000);
      const { hash } = await store().put(streamOf([bytes]));
      for (let round = 0; round < 20; round += 1) {
        await age(hash);
        await Promise.all([store().expire(HOUR_MS), store().put(streamOf([bytes]))]);
        expect(await store().expire(HOUR_MS)).toBe(0);
        expect(Buffer.compare(await read(store(), hash), bytes)).toBe(0);
      }
    });

    test("forgets what is deleted, and says whether there was anything", async () => {
      const { hash } = await store().put(streamOf([randomBytes(10)]));
      expect(await store().exists(hash)).toBe(true);
      expect(await store().delete(hash)).toBe(true);
      expect(await store().exists(hash)).toBe(false);
      expect(await store().get(hash)).toBeUndefined();
      expect(await store().delete(hash)).toBe(false);
    });

    test("fails the reading of a blob that was changed in the store, and never ends it as if it were whole", async () => {
      const { hash } = await store().put(streamOf([randomBytes(2 * MIB)]));
      await damage(hash);
      await expect(read(store(), hash)).rejects.toMatchObject({ code: "STORAGE_BLOB_DAMAGED" });
      await store().delete(hash);
    });

    test("can be left in the middle of reading", async () => {
      const { hash } = await store().put(streamOf([randomBytes(3 * MIB)]));
      const stream = await store().get(hash);
      const reader = stream?.getReader();
      expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
      await reader?.cancel();
      expect(await store().delete(hash)).toBe(true);
    });

    for (const hash of [
      "",
      "..",
      "../../etc/passwd",
      `${"a".repeat(62)}/.`,
      "A".repeat(64),
      `${EMPTY_HASH}\n`,
    ]) {
      test(`takes ${JSON.stringify(hash)} for no hash in every operation`, async () => {
        for (const ask of [store().get, store().exists, store().delete]) {
          await expect(ask(hash)).rejects.toBeInstanceOf(ValidationError);
        }
      });
    }
  });
}

export function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let from = 0; from < size; from += 65_536)
    crypto.getRandomValues(bytes.subarray(from, Math.min(size, from + 65_536)));
  return bytes;
}

export function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

/** Bytes that do not compress, made one piece at a time; `watch` is called every 5 MB. */
function generated(size: number, watch: () => void): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (sent === size) return controller.close();
        if (sent % (5 * MIB) === 0) watch();
        controller.enqueue(randomBytes(MIB / 2));
        sent += MIB / 2;
      },
    },
    { highWaterMark: 0 },
  );
}

async function read(store: BlobStore, hash: string): Promise<Uint8Array> {
  const stream = await store.get(hash);
  if (stream === undefined) throw new Error("The blob is not there.");
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function liveBytes(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}
