import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { spawnProgram, TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { migratePhases } from "../../db/phases.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const ROOT = join(import.meta.dir, "../../../../..");
const database = useTestDatabase({ migrate: migratePhases });
/** More than a pipe holds. */
const JOBS = 500;

/** Runs a command in a shell; the last line is its exit code, not that of the reader. */
async function inShell(command: string, reader: string) {
  const { DATABASE_DIRECT_URL: _, ...environment } = process.env;
  const bun = `"${process.execPath}"`;
  const program = spawnProgram({
    command: ["bash", "-c", `${bun} run ${command} ${reader}; echo "exit \${PIPESTATUS[0]}"`],
    cwd: ROOT,
    env: { ...environment, DATABASE_URL: database.url, NO_COLOR: "1" },
  });
  await program.exited;
  return { stdout: program.stdout, stderr: program.stderr };
}

describe("a command whose reader has gone", () => {
  const GONE = "| (exec 0<&-)";
  for (const command of [
    "jobs list",
    "jobs list --json",
    "jobs --help",
    "migrate --status",
    "health",
    "database-url",
  ]) {
    test(`ends without a word: ${command}`, async () => {
      await database.sql`
        INSERT INTO jobs (queue, type, payload, last_error)
        SELECT 'recurring', 'prune', '{"due_ms": 0}', repeat('x', 500) FROM generate_series(1, ${JOBS})`;
      expect(await inShell(command, GONE)).toEqual({ stdout: "exit 0\n", stderr: "" });
    });
  }

  test("and that reads only a first line of many gets that line", async () => {
    const { stdout, stderr } = await inShell("jobs list --limit 100 --json", "| head -c 10");
    expect({ stdout, stderr }).toEqual({
      stdout: expect.stringMatching(/^\{"jobs":\[.*exit 0\n$/),
      stderr: "",
    });
  });

  test("ends without a word also on standard error", async () => {
    expect(await inShell("jobs nonsense", "2>&1 | (exec 0<&-)")).toEqual({ stdout: "exit 2\n", stderr: "" });
  });
});

test.if(existsSync("/dev/full"))(
  "a command whose output cannot be written reports it, and exits 1",
  async () => {
    const { stdout, stderr } = await inShell("jobs list", "> /dev/full | true");
    expect({ stdout, stderr }).toEqual({
      stdout: "exit 1\n",
      stderr: "The output could not be written (ENOSPC).\n",
    });
  },
);
