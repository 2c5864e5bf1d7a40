import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withLock } from "../lock.ts";

const folder = await mkdtemp(join(tmpdir(), "wharf-lock-"));
afterAll(() => rm(folder, { recursive: true }));

const HOLDER = `
  const { withLock } = await import(${JSON.stringify(join(import.meta.dir, "../lock.ts"))});
  await withLock(process.argv[1], async () => { console.log("held"); await new Promise(() => setInterval(() => {}, 60_000)); });`;

test("two callers hold it one after the other", async () => {
  const seen: string[] = [];
  const hold = (name: string) =>
    withLock(join(folder, "one"), async () => {
      seen.push(`${name} in`);
      await Bun.sleep(0);
      seen.push(`${name} out`);
    });
  await Promise.all([hold("a"), hold("b")]);
  expect(seen.filter((_, index) => index % 2 === 0).map((step) => step.replace("in", "out"))).toEqual(
    seen.filter((_, index) => index % 2 === 1),
  );
});

test("an action that fails gives it up", async () => {
  const path = join(folder, "two");
  await expect(withLock(path, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await withLock(path, async () => "held")).toBe("held");
});

test("a process that is killed gives it up, and not before", async () => {
  const path = join(folder, "three");
  const holder = Bun.spawn([process.execPath, "-e", HOLDER, path], { stdout: "pipe" });
  await holder.stdout.getReader().read();
  let held = false;
  const waiting = withLock(path, async () => {
    held = true;
  });
  expect(held).toBe(false);
  holder.kill("SIGKILL");
  await waiting;
  expect(held).toBe(true);
});
