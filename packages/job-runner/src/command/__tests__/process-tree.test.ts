import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import { proportionalBytes, readProcess, readProcesses, residentBytes } from "../process-table.ts";
import { createProcessTree } from "../process-tree.ts";
import { isAlive } from "./setup.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const MARKER = "PROCESS_TREE_TEST=1";
const children: Bun.Subprocess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function spawnScript(script: string, env: Record<string, string> = {}) {
  const child = Bun.spawn(["bash", "-c", script], {
    detached: true,
    env: { PATH: "/usr/bin:/bin", ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push(child);
  return child;
}

async function firstPid(child: Bun.Subprocess<"ignore", "pipe", "ignore">): Promise<number> {
  for await (const chunk of child.stdout) return Number(new TextDecoder().decode(chunk));
  return 0;
}

describe("a tree without adoption of orphans", () => {
  test("has the orphans that stay in its process group", async () => {
    const child = spawnScript("(sleep 60 & echo $!); exit 0");
    const orphan = await firstPid(child);
    await child.exited;
    const tree = createProcessTree({ groupId: child.pid, marker: MARKER });
    expect(tree.members(false).map(({ pid }) => pid)).toEqual([orphan]);
    expect(await tree.end(0)).toBe(0);
    expect(isAlive(orphan)).toBe(false);
  });

  test("has those that left their group and keep the marker in their environment, for a thorough look alone", async () => {
    const child = spawnScript("(setsid sleep 60 & echo $!); exit 0", { PROCESS_TREE_TEST: "1" });
    const orphan = await firstPid(child);
    await child.exited;
    const tree = createProcessTree({ marker: MARKER });
    await until(() => tree.members(true).some(({ pid }) => pid === orphan));
    expect(createProcessTree({ marker: MARKER }).members(false)).toEqual([]);
    expect(createProcessTree({ marker: `${MARKER}2` }).members(true)).toEqual([]);
    expect(await tree.end(0)).toBe(0);
    expect(isAlive(orphan)).toBe(false);
  });

  test("keeps whom it has seen once, also when its parent is killed and nothing else tells whose it is", async () => {
    const child = spawnScript("env -i setsid sleep 60; :");
    const tree = createProcessTree({ belowPid: child.pid, marker: MARKER });
    const isInSessionOfItsOwn = () => tree.members(false).find(({ pid, groupId }) => pid === groupId);
    const { pid: orphan } = await until(isInSessionOfItsOwn);
    child.kill("SIGKILL");
    await child.exited;
    expect(createProcessTree({ belowPid: child.pid, marker: MARKER }).members(true)).toEqual([]);
    expect(tree.members(false).map(({ pid }) => pid)).toEqual([orphan]);
    expect(await tree.end(0)).toBe(0);
    expect(isAlive(orphan)).toBe(false);
  });
});

describe("the table of processes", () => {
  test("has this process and its parent, with its permanent identity", () => {
    const own = readProcess(process.pid);
    expect(own).toMatchObject({ pid: process.pid, parentPid: process.ppid, isZombie: false });
    expect(own?.startedAt).toMatch(/^\d+$/);
    expect(own?.threads).toBeGreaterThan(1);
    expect(readProcesses().find(({ pid }) => pid === process.pid)?.startedAt).toBe(own?.startedAt ?? "");
    expect(readProcess(2 ** 30)).toBeUndefined();
  });

  test("measures memory with shared pages and without, and 0 for who is gone", () => {
    const resident = residentBytes(process.pid);
    const proportional = proportionalBytes(process.pid);
    expect(resident).toBeGreaterThan(20 * 1024 ** 2);
    expect(proportional).toBeGreaterThan(10 * 1024 ** 2);
    expect(proportional).toBeLessThanOrEqual(resident * 1.1);
    expect(residentBytes(2 ** 30)).toBe(0);
    expect(proportionalBytes(2 ** 30)).toBe(0);
  });

  test("reads a process whose name holds brackets and spaces", async () => {
    const odd = spawnScript("printf 'a) R (b' > /proc/$$/comm; echo $$; sleep 60; :");
    expect(await firstPid(odd)).toBe(odd.pid);
    expect(await Bun.file(`/proc/${odd.pid}/comm`).text()).toBe("a) R (b\n");
    expect(readProcess(odd.pid)).toMatchObject({ parentPid: process.pid, isZombie: false });
  });
});
