import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, open, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import { createTcpProxy, TEST_TIMEOUT_MS } from "@wharf/testkit";
import type { BlobStore } from "../blob-store.ts";
import { createS3BlobStore } from "../s3-store.ts";
import { describeBlobStore, randomBytes, streamOf } from "./contract.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const BUCKET = "blobs";
const PREFIX = "wharf/";
const CREDENTIALS = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER", region: "us-east-1" };

let root: string;
let server: S3rver;
let port: number;
let store: BlobStore;
let referenced = new Set<string>();

function openStore(endpoint: string): BlobStore {
  const client = new Bun.S3Client({ bucket: BUCKET, endpoint, ...CREDENTIALS, retry: 1 });
  const incoming = join(root, "incoming");
  return createS3BlobStore({ client, prefix: PREFIX, incoming, findReferenced: async () => referenced });
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "wharf-s3-"));
  const directory = join(root, "store");
  const options = { port: 0, address: "127.0.0.1", silent: true, directory, allowMismatchedSignatures: true };
  server = new S3rver({ ...options, configureBuckets: [{ name: BUCKET }] });
  port = (await server.run()).port;
  store = openStore(`http://127.0.0.1:${port}`);
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true, force: true });
});

describeBlobStore("blobs in a bucket", {
  store: () => store,
  count: async () => {
    const folder = join(root, "store", BUCKET, PREFIX);
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    return {
      complete: names.filter((name) => name.endsWith("._S3rver_object")).length,
      unfinished: (await readdir(join(root, "incoming"))).length,
    };
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

test("a blob to which a transcript refers does not expire", async () => {
  const { hash } = await store.put(streamOf([randomBytes(10)]));
  const then = new Date(Date.now() - 60 * 86_400_000);
  await utimes(pathOf(hash), then, then);
  referenced = new Set([hash]);
  expect(await store.expire(3_600_000)).toBe(0);
  referenced = new Set();
  expect(await store.expire(3_600_000)).toBe(1);
});

test("an object that was cut short is read as damaged", async () => {
  const { hash } = await store.put(streamOf([randomBytes(1_000)]));
  await writeFile(pathOf(hash), new Uint8Array(999));
  const reading = new Response(await store.get(hash)).arrayBuffer();
  await expect(reading).rejects.toMatchObject({ code: "STORAGE_BLOB_DAMAGED" });
  await store.delete(hash);
});

test("a store that answers 500 is unavailable to every operation, and no secret is in the error", async () => {
  const failing = Bun.serve({ port: 0, fetch: () => new Response("internal error", { status: 500 }) });
  const broken = openStore(`http://127.0.0.1:${failing.port}`);
  const hash = "a".repeat(64);
  for (const ask of [
    () => broken.put(streamOf([randomBytes(10)])),
    () => broken.get(hash),
    () => broken.exists(hash),
    () => broken.delete(hash),
    () => broken.expire(0),
  ]) {
    const error = await ask().then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(String(error)).not.toMatch(/S3RVER|127\.0\.0\.1/);
  }
  expect(await readdir(join(root, "incoming"))).toEqual([]);
  await failing.stop(true);
});

test("a connection that is cut fails the put and the read, and a repeat succeeds", async () => {
  const proxy = await createTcpProxy({ host: "127.0.0.1", port });
  const cut = openStore(`http://127.0.0.1:${proxy.port}`);
  const bytes = randomBytes(1_000);
  proxy.refuse();
  proxy.cut();
  await expect(cut.put(streamOf([bytes]))).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  proxy.accept();
  const { hash } = await cut.put(streamOf([bytes]));
  proxy.refuse();
  proxy.cut();
  await expect(cut.get(hash)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  proxy.accept();
  expect((await new Response(await cut.get(hash)).bytes()).length).toBe(1_000);
  await proxy.close();
});

function pathOf(hash: string): string {
  return join(root, "store", BUCKET, PREFIX, hash.slice(0, 2), `${hash}._S3rver_object`);
}
