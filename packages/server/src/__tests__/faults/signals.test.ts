import { expect, setDefaultTimeout, test } from "bun:test";
import { TEST_TIMEOUT_MS, until, useTestDatabase } from "@wharf/testkit";
import { DRAIN_MAX_MS } from "../../boot.ts";
import { migratePhases } from "../../db/phases.ts";
import { seededRandom } from "../seeded-random.ts";
import { idsOf, startFleet } from "./device-fleet.ts";
import { spawnServer, startServer } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const database = useTestDatabase({ migrate: migratePhases });
const ENOUGH_BATCHES = 30;

test.each([
  ["SIGTERM", "kill"],
  ["SIGTERM", "killGroup"],
  ["SIGINT", "kill"],
  ["SIGINT", "killGroup"],
] as const)(
  "%s by %s, sent three times under load, drains to exit 0, and everything acknowledged is stored",
  async (signal, kill) => {
    const { program, url } = await startServer({ DATABASE_URL: database.url });
    const fleet = startFleet(url, seededRandom());
    await until(() => fleet.acknowledged.length >= ENOUGH_BATCHES);
    const startedAt = performance.now();
    program[kill](signal);
    program[kill](signal);
    program[kill](signal);
    expect(await program.exited).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(DRAIN_MAX_MS);
    await fleet.stop();
    const stored = new Set((await database.sql<{ id: string }[]>`SELECT id FROM events`).map(({ id }) => id));
    expect(idsOf(fleet.acknowledged).filter((id) => !stored.has(id))).toEqual([]);
    expect(program.stdout).toContain('"drained"');
    expect(program.stderr).toBe("");
  },
);

test("a signal during the start ends it too", async () => {
  const program = spawnServer({ DATABASE_URL: database.url, LOG_LEVEL: "debug" });
  program.kill("SIGTERM");
  // Before the handler is there, the signal itself ends it.
  expect([0, 143]).toContain(await program.exited);
});
