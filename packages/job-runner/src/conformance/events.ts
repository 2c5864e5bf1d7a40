import { describe, expect, test } from "bun:test";
import type { Lease } from "../contract/driver.ts";
import type { NewEvent, NewWait } from "../contract/durable-store.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ack, enqueue, ids, json, later, NOW, present, reserve, running, stored } from "./setup.ts";

const paid = { name: "paid", key: "order-1" };
const wait = { name: "payment", event: paid };

/** Every order in which a waiter (stores its wait, looks) and a sender (stores the event, delivers) can meet or die. */
const INTERLEAVINGS = [
  "wait look store deliver",
  "wait store look deliver",
  "wait store deliver look",
  "store wait look deliver",
  "store wait deliver look",
  "store deliver wait look",
  "wait store | sweep",
  "store wait | sweep",
  "wait look store | sweep",
  "store deliver wait | sweep",
];

export function describeEvents(current: DriverUnderTest): void {
  const send = (fields: Partial<NewEvent> = {}, now = NOW) =>
    current().storeEvent({ ...paid, payload: json({ sum: 1 }), ...fields }, { now });
  const deliver = (now = NOW) => current().deliverEvents({ now });
  const suspend = (lease: Lease, waits: readonly NewWait[] = [wait]) =>
    current().suspend(lease, waits, { now: NOW });

  async function resumed(now = NOW) {
    const [lease] = await reserve(current(), now);
    return { lease: present(lease), steps: await current().resumeSteps(present(lease), { now }) };
  }

  describe("waiting for an event", () => {
    test("a waiting job is queued without an end and is not claimed", async () => {
      const lease = await running(current());
      expect(await suspend(lease)).toBeNull();
      expect(await stored(current(), lease.jobId)).toMatchObject({
        status: "queued",
        runAt: "infinity",
        attempts: 0,
      });
      expect(await deliver()).toEqual([]);
      expect(await reserve(current(), later(1e12))).toEqual([]);
    });

    for (const order of INTERLEAVINGS) {
      test(`no wake-up is lost when they happen in the order: ${order}`, async () => {
        const lease = await running(current(), { queue: "default" });
        const acts: Record<string, () => Promise<unknown>> = {
          wait: () => suspend(lease),
          look: deliver,
          store: () => send(),
          deliver,
          sweep: deliver,
        };
        for (const act of order.split(" ").filter((word) => word !== "|")) await present(acts[act])();
        const { steps } = await resumed();
        expect(steps).toMatchObject([
          { kind: "event", output: { sum: 1 }, event: paid, wakeAt: "infinity", finishedAt: NOW },
        ]);
        expect(steps[0]?.eventId).not.toBeNull();
        expect(await deliver()).toEqual([]);
      });
    }

    test("an event that was stored since the job was created, before it waits, is found; an older one is not", async () => {
      await send({ payload: json("too old") }, later(-0.001));
      const lease = await running(current());
      await send({ payload: json("in time") }, NOW);
      await deliver();
      await suspend(lease);
      expect(await deliver()).toEqual(["default"]);
      expect((await resumed()).steps).toMatchObject([{ output: "in time" }]);
    });

    test("name and key must both be equal", async () => {
      const lease = await running(current());
      await suspend(lease);
      await send({ key: "order-2" });
      await send({ key: "" });
      await send({ name: "refunded" });
      expect(await deliver()).toEqual([]);
      expect((await stored(current(), lease.jobId)).runAt).toBe("infinity");
    });

    test("every waiting job receives the event", async () => {
      const first = await running(current());
      const second = await running(current(), { queue: "mail" });
      await suspend(first);
      await suspend(second);
      await send();
      expect((await deliver()).sort()).toEqual(["default", "mail"]);
      expect(ids(await reserve(current()))).toEqual([first.jobId]);
      expect(ids(await reserve(current(), NOW, { queue: "mail" }))).toEqual([second.jobId]);
    });

    test("one job receives an event once: its next wait for the same receives the next event", async () => {
      const lease = await running(current());
      await suspend(lease);
      await send({ payload: json(1) });
      await deliver();
      const again = await resumed();
      await suspend(again.lease, [{ ...wait, name: "second" }]);
      expect(await deliver()).toEqual([]);
      await send({ payload: json(2) });
      await deliver();
      expect((await resumed()).steps.map(({ output }) => output)).toEqual([1, 2]);
    });

    test("several waits of a job for the same event receive one event each, in order", async () => {
      const lease = await running(current());
      await suspend(lease, [
        { ...wait, name: "a" },
        { ...wait, name: "b" },
      ]);
      for (const payload of [1, 2, 3]) await send({ payload: json(payload) });
      await deliver();
      expect((await resumed()).steps.map(({ output }) => output)).toEqual([1, 2]);
    });

    test("an event with the same name and id is stored once, and its repeat changes nothing", async () => {
      const first = await send({ id: "e1", payload: json(1) });
      const repeat = await send({ id: "e1", payload: json(2) });
      expect(first.existed).toBe(false);
      expect(repeat).toEqual({ id: first.id, existed: true });
      expect((await send({ id: "e1", name: "other" })).existed).toBe(false);
      const withoutId = await send();
      expect((await send()).id).not.toBe(withoutId.id);
    });

    test("a wait that times out is finished without an event, and no later event changes that", async () => {
      const lease = await running(current());
      expect(await suspend(lease, [{ ...wait, forMs: 1000 }])).toBe(1000);
      const again = await resumed(later(1000));
      expect(again.steps).toMatchObject([{ eventId: null, output: undefined, finishedAt: later(1000) }]);
      await send({}, later(1001));
      await deliver(later(1001));
      expect(await current().resumeSteps(again.lease, { now: later(1002) })).toEqual(again.steps);
    });

    test("an undelivered event takes precedence over the timeout when the job resumes", async () => {
      const lease = await running(current());
      await suspend(lease, [{ ...wait, forMs: 1000 }]);
      await send({ payload: json("in time") }, later(999));
      expect((await resumed(later(1000))).steps).toMatchObject([{ output: "in time" }]);
    });

    test("an event that is delivered while the job runs ends its next suspension immediately", async () => {
      const lease = await running(current());
      await suspend(lease, [wait, { name: "nap", forMs: 10 }]);
      const early = await resumed(later(10));
      await send({}, later(11));
      expect(await deliver(later(11))).toEqual([]);
      expect((await stored(current(), lease.jobId)).status).toBe("running");
      expect(await current().suspend(early.lease, [wait], { now: later(12) })).toBe(0);
      expect((await resumed(later(12))).steps.map(({ finishedAt }) => finishedAt)).toEqual([
        later(10),
        later(11),
      ]);
    });

    test("an event for a job that was cancelled or has ended wakes nothing", async () => {
      const lease = await running(current());
      await suspend(lease);
      await current().cancel(lease.jobId, "no", { now: NOW });
      await send();
      expect(await deliver()).toEqual([]);
      expect((await stored(current(), lease.jobId)).status).toBe("failed");
    });

    test("more waits and events than one call compares are all matched", async () => {
      const leases: Lease[] = [];
      for (let n = 0; n < 30; n += 1) leases.push(await running(current()));
      const more = Array.from({ length: 40 }, (_, n) => ({
        name: `w${n}`,
        event: { name: "many", key: `${n}` },
      }));
      for (const lease of leases) await suspend(lease, more);
      for (let n = 0; n < 40; n += 1) await send({ name: "many", key: `${n}`, payload: json(n) });
      await deliver();
      const steps = (await Promise.all(leases.map(({ jobId }) => current().stepsOf(jobId)))).flat();
      expect(steps).toHaveLength(1200);
      expect(
        steps.every(({ finishedAt, output, event }) => finishedAt !== null && `${output}` === event?.key),
      ).toBe(true);
      expect(await deliver()).toEqual([]);
    });

    test("old events are forgotten", async () => {
      await enqueue(current());
      await send({ id: "e1" });
      await deliver();
      await current().maintain(
        { archiveDays: 30, idempotencyKeyDays: 30, eventDays: 7 },
        { now: later(8 * 86_400_000) },
      );
      expect((await send({ id: "e1" })).existed).toBe(false);
    });

    test("concurrent waits and events are all matched", async () => {
      const leases: Lease[] = [];
      for (let n = 0; n < 40; n += 1) leases.push(await running(current()));
      await Promise.all(
        leases.flatMap((lease, n) => {
          const event = { name: "go", key: `${n % 10}` };
          const waiter = suspend(lease, [{ name: "go", event }]).then(() => deliver());
          const sender = n < 10 ? [send({ ...event, payload: json(n) }).then(() => deliver())] : [];
          return [waiter, ...sender];
        }),
      );
      for (let woken = 0; woken < 40; ) {
        const batch = await reserve(current());
        expect(batch.length).toBeGreaterThan(0);
        for (const lease of batch) {
          expect(await current().resumeSteps(lease, { now: NOW })).toMatchObject([{ finishedAt: NOW }]);
          await ack(current(), lease);
          woken += 1;
        }
      }
    });
  });
}
