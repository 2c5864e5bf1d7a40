import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readServerAddress, writeServerAddress } from "../server-address.ts";

test("the address of a server is read from its data directory while it runs", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "wharf-address-"));
  expect(await readServerAddress(dataDir)).toBeNull();
  const remove = await writeServerAddress(dataDir, { host: "127.0.0.1", port: 4477 });
  expect(await readServerAddress(dataDir)).toEqual({ host: "127.0.0.1", port: 4477 });
  await remove();
  expect(await readServerAddress(dataDir)).toBeNull();
  await rm(dataDir, { recursive: true });
});
