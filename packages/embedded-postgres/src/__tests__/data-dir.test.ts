import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DataDir, locateDataDir, prepareDataDir } from "../data-dir.ts";
import { findOwner, SYSTEM_DIR } from "../owner.ts";
import { TEST_TIMEOUT_MS } from "./data-folder.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const isRoot = process.getuid?.() === 0;
const user = await findOwner();
const made: string[] = [];
afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A clone's data folder; `mode` sets its permissions. */
async function createClone(mode: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-clone-"));
  made.push(folder);
  await chmod(folder, mode);
  return folder;
}

async function prepare(requested: string): Promise<DataDir> {
  const prepared = await prepareDataDir(requested, user);
  made.push(prepared.path);
  return prepared;
}

/** As a first start leaves it. */
async function fill({ path, owner }: DataDir): Promise<void> {
  await mkdir(join(path, "cluster"));
  if (owner) await chown(join(path, "cluster"), owner.uid, owner.gid);
}

test("a folder that anybody may pass holds the data itself, also after it was renamed", async () => {
  const clone = await createClone(0o755);
  const prepared = await prepare(join(clone, "postgres"));
  expect(prepared.path).toBe(join(clone, "postgres"));
  expect((await stat(prepared.path)).mode & 0o777).toBe(0o700);
  await fill(prepared);
  const renamed = `${clone}-renamed`;
  made.push(renamed);
  await rename(clone, renamed);
  expect(await locateDataDir(join(renamed, "postgres"))).toBe(join(renamed, "postgres"));
  expect((await prepare(join(renamed, "postgres"))).path).toBe(join(renamed, "postgres"));
});

test("a look at a folder makes nothing", async () => {
  const clone = await createClone(0o700);
  expect(await locateDataDir(join(clone, "postgres"))).toBe(join(clone, "postgres"));
  await expect(stat(join(clone, "postgres"))).rejects.toMatchObject({ code: "ENOENT" });
});

describe.if(isRoot)("as root, in a folder that the user of Postgres cannot pass", () => {
  async function createPointed() {
    const clone = await createClone(0o700);
    const prepared = await prepare(join(clone, "postgres"));
    return { clone, prepared };
  }

  test("the data lies in a system folder that a pointer file names, and is found after a rename", async () => {
    const { clone, prepared } = await createPointed();
    expect(prepared.path).toStartWith(`${SYSTEM_DIR}/data-`);
    expect(await readFile(join(clone, "postgres/location"), "utf8")).toBe(`${prepared.path}\n`);
    await fill(prepared);
    const renamed = `${clone}-renamed`;
    made.push(renamed);
    await rename(clone, renamed);
    expect(await locateDataDir(join(renamed, "postgres"))).toBe(prepared.path);
    expect((await prepare(join(renamed, "postgres"))).path).toBe(prepared.path);
    const next = await createClone(0o700);
    await rename(next, clone);
    expect((await prepare(join(clone, "postgres"))).path).not.toBe(prepared.path);
  });

  test("a first start that was killed before it had data is continued in the same system folder", async () => {
    const { clone, prepared } = await createPointed();
    expect((await prepare(join(clone, "postgres"))).path).toBe(prepared.path);
  });

  test("a pointer to a missing folder is refused until it is deleted", async () => {
    const { clone, prepared } = await createPointed();
    await rm(prepared.path, { recursive: true });
    const pointer = join(clone, "postgres/location");
    await expect(prepare(join(clone, "postgres"))).rejects.toThrow(
      `is in ${prepared.path}, and that folder does not exist. Restore it, or delete ${pointer}`,
    );
    await rm(pointer);
    expect((await prepare(join(clone, "postgres"))).path).not.toBe(prepared.path);
  });

  test("data that was moved there is refused with what to do, and used once the folder may be passed", async () => {
    const open = await createClone(0o755);
    await fill(await prepare(join(open, "postgres")));
    await chmod(open, 0o700);
    await expect(prepare(join(open, "postgres"))).rejects.toThrow("chmod o+x");
    await chmod(open, 0o711);
    expect((await prepare(join(open, "postgres"))).path).toBe(join(open, "postgres"));
  });

  test("data of the naming by hash is found, and then by its pointer alone", async () => {
    const clone = await createClone(0o700);
    const wanted = join(clone, "postgres");
    const hash = createHash("sha256").update(wanted).digest("hex").slice(0, 16);
    const legacy = join(SYSTEM_DIR, `data-${hash}`);
    made.push(legacy);
    await mkdir(join(legacy, "cluster"), { recursive: true });
    await writeFile(join(legacy, "databases"), "wharf\n");
    expect(await locateDataDir(wanted)).toBe(legacy);
    expect((await prepare(wanted)).path).toBe(legacy);
    const renamed = `${clone}-renamed`;
    made.push(renamed);
    await rename(clone, renamed);
    expect((await prepare(join(renamed, "postgres"))).path).toBe(legacy);
    expect((await prepare(wanted)).path).not.toBe(legacy);
  });
});

describe.if(isRoot)("as root, data that", () => {
  test("belongs to another user than today's is served as that user", async () => {
    const clone = await createClone(0o755);
    const prepared = await prepare(join(clone, "postgres"));
    await fill(prepared);
    const other = { uid: 4318, gid: 4318 };
    for (const path of [prepared.path, join(prepared.path, "cluster")])
      await chown(path, other.uid, other.gid);
    expect((await prepare(join(clone, "postgres"))).owner).toMatchObject(other);
  });

  test("root copied is given to the user of Postgres", async () => {
    const clone = await createClone(0o755);
    await fill(await prepare(join(clone, "postgres")));
    const copy = await createClone(0o755);
    await cp(join(clone, "postgres"), join(copy, "postgres"), { recursive: true });
    await chown(join(copy, "postgres/cluster"), 0, 0);
    expect(await prepare(join(copy, "postgres"))).toEqual({ path: join(copy, "postgres"), owner: user });
    expect((await stat(join(copy, "postgres/cluster"))).uid).toBe(user?.uid ?? 0);
  });
});
