import { describe, expect, test } from "bun:test";
import pino from "pino";
import type { SessionToMatch } from "../../db/projections/projection-queue.ts";
import { StorageError } from "../../errors.ts";
import type { Projected } from "../project-rows.ts";
import { createProjector, type QueuedFlush, WAITING_EVENTS_MAX } from "../projector.ts";

type Round = { ids: string[]; end(projected?: Partial<Projected>): void; fail(error: Error): void };

const AWAY = new StorageError("away", "STORAGE_UNAVAILABLE");
/** Longer than any test. */
const NEVER_MS = 1_000_000;

/** A projector whose rounds end on the test's signal. */
function setup(intervalMs = NEVER_MS, flushWaitMs = NEVER_MS) {
  const rounds: Round[] = [];
  const matched: SessionToMatch[] = [];
  const waiting: (() => void)[] = [];
  const projector = createProjector({
    projectRows: (rows) => {
      const { promise, resolve, reject } = Promise.withResolvers<Projected>();
      rounds.push({
        ids: rows.flatMap((row) => row.event_ids),
        end: (projected = {}) =>
          resolve({ locked: [], unmatched: [], sessions: [], failed: [], ...projected }),
        fail: (error) => reject(error),
      });
      for (const wake of waiting.splice(0)) wake();
      return promise;
    },
    // Each session takes two portions.
    matchQueued: async (sessions) => {
      matched.push(...sessions);
      return sessions.flatMap((session) => (session.after_id === "" ? [{ ...session, after_id: "m" }] : []));
    },
    logger: pino({ level: "silent" }),
    intervalMs,
    flushWaitMs,
  });
  /** The round of that number, as soon as it has begun. */
  async function round(number: number): Promise<Round> {
    for (;;) {
      const found = rounds[number];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }
  return { projector, round, rounds, matched };
}

let lastId = 0;
const rowOf = (...event_ids: string[]) => ({ id: String(++lastId), event_ids, attempts: 0 });

function flush(...event_ids: string[]): QueuedFlush {
  return about("s", ...event_ids);
}

function about(session: string, ...ids: string[]): QueuedFlush {
  const touched = {
    sessions: new Set([session]),
    workspaces: new Set([`workspace of ${session}`]),
    devices: new Set([`device of ${session}`]),
  };
  return { ...rowOf(...ids), touched };
}

/** Lets all pending promises continue. */
async function turns(): Promise<void> {
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve));
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await turns();
  return settled;
}

describe("a projector", () => {
  test("begins its first round at once, and keeps no flush waiting for it", async () => {
    const { projector, round } = setup();
    await projector.project(flush("a"));
    (await round(0)).end();
    await projector.caughtUp();
  });

  test("has caught up as long as there is nothing to do", async () => {
    await setup().projector.caughtUp();
  });

  test("gathers what comes while a round runs, and until the next one is due, for one round", async () => {
    const { projector, round, rounds } = setup(0);
    await projector.project(flush("a"));
    const first = await round(0);
    await projector.project(flush("b"));
    await projector.project(flush("c"));
    first.end();
    (await round(1)).end();
    await projector.caughtUp();
    expect(rounds).toHaveLength(2);
  });

  test("pauses between two rounds unless a reader waits for accepted events", async () => {
    const { projector, round, rounds } = setup();
    await projector.project(flush("a"));
    (await round(0)).end();
    await projector.caughtUp();
    await projector.project(flush("b"));
    await projector.project(flush("c"));
    await turns();
    expect(rounds).toHaveLength(1);
    const caughtUp = projector.caughtUp();
    (await round(1)).end();
    await caughtUp;
    expect(rounds).toHaveLength(2);
  });

  test("begins the next round by itself when it is due", async () => {
    const { projector, round } = setup(1);
    await projector.project(flush("a"));
    (await round(0)).end();
    await projector.project(flush("b"));
    (await round(1)).end();
    await projector.caughtUp();
  });

  test("has not caught up with what came after a round had begun when that round ends", async () => {
    const { projector, round } = setup();
    await projector.project(flush("a"));
    const running = await round(0);
    await projector.project(flush("b"));
    const caughtUp = projector.caughtUp();
    running.end();
    const next = await round(1);
    expect(await isSettled(caughtUp)).toBe(false);
    next.end();
    await caughtUp;
  });

  test("continues with the next round after one that failed for another reason than the database", async () => {
    const { projector, round } = setup();
    for (let n = 0; n < 2; n++) {
      await projector.project(flush("a"));
      const caughtUp = projector.caughtUp();
      (await round(n)).fail(new Error("a defect"));
      await caughtUp;
    }
    expect(projector.depth()).toBe(0);
  });

  test("retries projection after the database was unavailable, while waiting requests keep waiting", async () => {
    const { projector, round } = setup();
    await projector.project(flush("a"));
    const caughtUp = projector.caughtUp();
    (await round(0)).fail(AWAY);
    expect(await isSettled(caughtUp)).toBe(false);
    expect(projector.depth()).toBe(1);
    (await round(1)).end();
    await caughtUp;
  });

  test("retries events whose session was locked", async () => {
    const { projector, round } = setup();
    await projector.project(flush("a", "b"));
    const caughtUp = projector.caughtUp();
    (await round(0)).end({ locked: [rowOf("b")] });
    const again = await round(1);
    expect(again.ids).toEqual(["b"]);
    expect(await isSettled(caughtUp)).toBe(false);
    again.end();
    await caughtUp;
    expect(projector.depth()).toBe(0);
  });

  test("matches what is too much for one round in later ones, a row each, for which no read waits", async () => {
    const { projector, round } = setup();
    await projector.project(flush("a"));
    const caughtUp = projector.caughtUp();
    (await round(0)).end({ unmatched: [rowOf("b"), rowOf("c")] });
    await caughtUp;
    await projector.project(flush("d"));
    const next = projector.caughtUp();
    expect((await round(1)).ids).toEqual(["d", "b"]);
    (await round(1)).end();
    await next;
  });

  test("continues with unmatched rows when no flush comes", async () => {
    const { projector, round } = setup(0);
    await projector.project(flush("a"));
    (await round(0)).end({ unmatched: [rowOf("b"), rowOf("c")] });
    for (const [number, id] of [
      [1, "b"],
      [2, "c"],
    ] as const) {
      expect((await round(number)).ids).toEqual([id]);
      (await round(number)).end();
    }
    await projector.caughtUp();
  });

  describe("keeps waiting, while a round is under way, reads of", () => {
    const flushes = about("mine", "a");
    const scopes = [
      [{}, true],
      [{ session_id: "mine" }, true],
      [{ session_id: "other" }, false],
      [{ workspace_id: "workspace of mine" }, true],
      [{ workspace_id: "workspace of mine", device_id: "another device" }, false],
      [{ device_id: "device of mine" }, true],
      [{ device_id: "device of other" }, false],
    ] as const;
    for (const [scope, waits] of scopes) {
      test(`${JSON.stringify(scope)}: ${waits}`, async () => {
        const { projector, round } = setup();
        await projector.project(flushes);
        const running = await round(0);
        const caughtUp = projector.caughtUp(scope);
        expect(await isSettled(caughtUp)).toBe(!waits);
        running.end();
        await caughtUp;
      });
    }
  });

  test("matches a session with much git activity in later rounds, a portion each, for which no read waits", async () => {
    const { projector, round, matched } = setup(0);
    await projector.project(flush("a"));
    const caughtUp = projector.caughtUp();
    const session = { id: "7", session_id: "s", after_id: "" };
    (await round(0)).end({ sessions: [session, session] });
    await caughtUp;
    (await round(1)).end();
    await turns();
    expect(matched.map(({ after_id }) => after_id)).toEqual(["", "m"]);
  });

  test("leaves to the job what a flush queues when more waits than it should and a round takes long", async () => {
    const { projector, round } = setup(NEVER_MS, 0);
    const many = Array.from({ length: WAITING_EVENTS_MAX + 1 }, () => "a");
    await projector.project(flush(...many));
    const running = await round(0);
    await projector.project(flush("b"));
    expect(projector.depth()).toBe(WAITING_EVENTS_MAX + 1);
    running.end();
    await projector.caughtUp();
    expect(projector.depth()).toBe(0);
  });

  test("keeps a flush waiting when more waits than it should, without resting", async () => {
    const { projector, round } = setup();
    const many = Array.from({ length: WAITING_EVENTS_MAX + 1 }, () => "a");
    await projector.project(flush(...many));
    const running = await round(0);
    const held = projector.project(flush("b"));
    expect(await isSettled(held)).toBe(false);
    running.end();
    await held;
    expect(projector.depth()).toBe(1);
  });
});
