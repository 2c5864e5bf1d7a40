import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyTree } from "../copy-tree.ts";

test("the copy has the checkout's files, and neither its packages nor its repository", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wharf-tree-"));
  try {
    await copyTree(folder);
    const copied = await Bun.file(join(folder, "package.json")).text();
    expect(copied).toBe(await Bun.file(join(import.meta.dir, "../../../../package.json")).text());
    expect(existsSync(join(folder, "packages/testkit/src/copy-tree.ts"))).toBe(true);
    expect(existsSync(join(folder, "node_modules"))).toBe(false);
    expect(existsSync(join(folder, "packages/testkit/node_modules"))).toBe(false);
    expect(existsSync(join(folder, ".git"))).toBe(false);
  } finally {
    await rm(folder, { recursive: true });
  }
});
