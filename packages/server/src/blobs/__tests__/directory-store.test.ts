import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, open, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TEST_TIMEOUT_MS } from "@wharf/testkit";
import type { BlobStore } from "../blob-store.ts";
import { createDirectoryBlobStore } from "../directory-store.ts";
import { describeBlobStore, streamOf } from "./contract.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const none = async () => new Set<string>();
let root: string;
let store: BlobStore;

beforeAll(async () => {
  root = join(await mkdtemp(join(tmpdir(), "wharf-blobs-")), "blobs");
  store = await createDirectoryBlobStore(root, none);
});
afterAll(() => rm(join(root, ".."), { recursive: true, force: true }));

describeBlobStore("blobs in a folder", {
  store: () => store,
  count: async () => {
    const folders = (await readdir(root)).filter((name) => name !== "incoming");
    const files = await Promise.all(folders.map((name) => readdir(join(root, name))));
    return { complete: files.flat().length, unfinished: (await readdir(join(root, "incoming"))).length };
  },
  damage: async (hash) => {
    const file = await open(pathOf(hash), "r+");
    const { buffer } = await file.read(new Uint8Array(1), 0, 1, 5000);
    await file.write(new Uint8Array([(buffer[0] ?? 0) ^ 1]), 0, 1, 5000);
    await file.close();
  },
  age: (hash) => {
    const then = new Date(Date.now() - 2 * 3_600_000);
    return utimes(pathOf(hash), then, then);
  },
});

test("a file that was cut short is read as damaged", async () => {
  const { hash } = await store.put(streamOf([new Uint8Array(1000)]));
  const file = await open(pathOf(hash), "r+");
  await file.truncate(999);
  await file.close();
  const reading = new Response(await store.get(hash)).arrayBuffer();
  await expect(reading).rejects.toMatchObject({ code: "STORAGE_BLOB_DAMAGED" });
});

test("only the owner can read a blob or enter its folder", async () => {
  const { hash } = await store.put(streamOf([new Uint8Array(3)]));
  expect((await stat(pathOf(hash))).mode & 0o777).toBe(0o600);
  expect((await stat(join(root, hash.slice(0, 2)))).mode & 0o777).toBe(0o700);
});

test("a folder that cannot be created is an error that names the cause and no path", async () => {
  const file = join(root, "..", "a-file");
  await writeFile(file, "");
  const opening = createDirectoryBlobStore(join(file, "blobs"), none);
  await expect(opening).rejects.toThrow(/ENOTDIR/);
  await expect(opening).rejects.not.toThrow(/a-file/);
});

function pathOf(hash: string): string {
  return join(root, hash.slice(0, 2), hash);
}
