import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { until } from "@wharf/testkit";
import { useRunners } from "../../__tests__/setup.ts";
import { defineCommandJob } from "../../index.ts";
import { createTestStore, isAlive, PATH, sharedFolder } from "./setup.ts";

const { database, started } = useRunners();

test("a job requeued by an operator has its command ended, and runs again", async () => {
  const folder = await sharedFolder("wharf-lost-lease-");
  const job = defineCommandJob({ folder: join(folder, "runs"), store: createTestStore(), path: PATH });
  const runner = await started([job], { leaseMs: 600, leaseMarginMs: 100 });
  const script = `[ -e $OUT/pid ] && exit 0; setsid bash -c 'echo $$ > $OUT/pid; sleep 60; :' & sleep 60`;
  const { id } = await runner.enqueue(job, { command: ["bash", "-c", script], env: { OUT: folder } });
  const file = join(folder, "pid");
  await until(() => existsSync(file));
  const pid = Number(await until(() => readFile(file, "utf8")));
  expect(isAlive(pid)).toBe(true);

  await database.sql`UPDATE jobs SET status = 'queued', locked_at = NULL, locked_by = NULL WHERE id = ${id}`;
  await until(() => !isAlive(pid));
  await until(async () => (await runner.get(id))?.status === "completed");
  await until(async () => (await readdir(join(folder, "runs"))).length === 0);
  await rm(folder, { recursive: true, force: true });
});
