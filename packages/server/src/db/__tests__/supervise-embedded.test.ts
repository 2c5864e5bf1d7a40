import { describe, expect, test } from "bun:test";
import pino from "pino";
import { RESTARTS_MAX, STABLE_AFTER_MS, superviseEmbedded } from "../supervise-embedded.ts";

const logger = pino({ level: "silent" });

/** A Postgres whose restarts end as `outcomes` says, and a clock that only sleeps move; it dies again with each check. */
function createScene(outcomes: (attempt: number) => "starts" | "fails", uptime_ms = 0) {
  const waits: number[] = [];
  let attempts = 0;
  let now = 0;
  let running = false;
  const postgres = {
    port: 5432,
    isRunning: () => Promise.resolve(running),
    restart: () => {
      attempts += 1;
      if (outcomes(attempts) === "fails") return Promise.reject(new Error("no space left"));
      running = true;
      return Promise.resolve();
    },
  };
  const sleep = async (ms: number) => {
    if (running) {
      now += uptime_ms;
      running = false;
    } else waits.push(ms);
    await Promise.resolve();
  };
  const supervision = superviseEmbedded(postgres, { logger, now: () => now, sleep });
  return { supervision, waits, attempts: () => attempts };
}

describe("the supervision of the embedded Postgres", () => {
  test("restarts it at once, then with waits that double up to a minute, and gives up after the last attempt", async () => {
    const scene = createScene(() => "fails");
    while (!scene.supervision.problem()?.includes("restart Wharf")) await Promise.resolve();
    expect(scene.attempts()).toBe(RESTARTS_MAX);
    expect(scene.waits.slice(0, 4)).toEqual([500, 1_000, 2_000, 4_000]);
    expect(scene.waits.at(-1)).toBe(60_000);
    await scene.supervision.stop();
  });

  test("counts restarts of a server that ends again soon, and gives up", async () => {
    const scene = createScene(() => "starts", STABLE_AFTER_MS - 1);
    while (!scene.supervision.problem()?.includes("restart Wharf")) await Promise.resolve();
    expect(scene.attempts()).toBe(RESTARTS_MAX);
  });

  test("resets its count after a server that ran for a minute", async () => {
    const scene = createScene(() => "starts", STABLE_AFTER_MS);
    while (scene.attempts() < RESTARTS_MAX * 3) await Promise.resolve();
    expect(scene.waits).toEqual([]);
    await scene.supervision.stop();
  });

  test("ends when it is stopped, also between two attempts", async () => {
    const scene = createScene(() => "fails");
    while (scene.attempts() < 2) await Promise.resolve();
    await scene.supervision.stop();
    const attempts = scene.attempts();
    await Bun.sleep(0);
    expect(scene.attempts()).toBe(attempts);
    expect(scene.supervision.problem()).toContain(`of ${RESTARTS_MAX}`);
  });
});
