import { describe, expect, test } from "bun:test";
import type { ScheduleMove } from "../contract/schedule-store.ts";
import type { DriverUnderTest } from "./setup.ts";
import { ids, job, later, NOW, present, reserve } from "./setup.ts";

const nightly = { name: "nightly", cron: "0 3 * * *", timeZone: "UTC", nextAt: later(1000) };

export function describeSchedules(current: DriverUnderTest): void {
  const put = (fields = {}) => current().putSchedule({ ...nightly, ...fields }, { now: NOW });

  async function read(now = NOW) {
    return (await current().schedules(["nightly"], { now })).schedules[0];
  }

  async function move(fields: Partial<ScheduleMove> = {}) {
    const from = fields.from ?? present(await read());
    const jobs = [job({ payload: { tick: 1 } })];
    return current().moveSchedule(
      { from, nextAt: later(2000), lastAt: later(1000), jobs, ...fields },
      { now: later(1001) },
    );
  }

  describe("schedules", () => {
    test("a schedule is read by its name, together with the store's clock", async () => {
      expect(await current().schedules(["nightly"], { now: NOW })).toEqual({ now: NOW, schedules: [] });
      await put();
      const { schedules, now } = await current().schedules(["nightly", "other"], { now: later(7) });
      expect(now).toBe(later(7));
      expect(schedules).toEqual([{ ...nightly, lastAt: null }]);
      await put({ name: "hourly" });
      expect((await current().allSchedules()).map(({ name }) => name)).toEqual(["hourly", "nightly"]);
      expect((await current().schedules(["other"], { now: NOW })).schedules).toEqual([]);
    });

    test("an equal schedule that is put again keeps its next tick; another expression or zone replaces it", async () => {
      await put();
      await put({ nextAt: later(9999) });
      expect((await read())?.nextAt).toBe(later(1000));
      await put({ cron: "0 4 * * *", nextAt: later(3000) });
      expect(await read()).toMatchObject({ cron: "0 4 * * *", nextAt: later(3000) });
      await put({ cron: "0 4 * * *", timeZone: "Europe/Berlin", nextAt: later(4000) });
      expect((await read())?.nextAt).toBe(later(4000));
    });

    test("advancing a schedule enqueues the jobs of its ticks and sets the next tick", async () => {
      await put();
      const enqueued = present(await move());
      expect(enqueued).toHaveLength(1);
      expect(await read()).toMatchObject({ nextAt: later(2000), lastAt: later(1000) });
      expect(ids(await reserve(current(), later(1001)))).toEqual(enqueued);
    });

    test("advancing a schedule without jobs skips the ticks", async () => {
      await put();
      expect(await move({ jobs: [] })).toEqual([]);
      expect((await read())?.nextAt).toBe(later(2000));
      expect(await reserve(current(), later(1001))).toEqual([]);
    });

    test("of several processes that advance from the same tick only one succeeds and enqueues its jobs", async () => {
      await put();
      const from = present(await read());
      const moves = await Promise.all(
        [1, 2, 3, 4, 5].map((n) =>
          current().moveSchedule(
            { from, nextAt: later(2000), lastAt: later(1000), jobs: [job({ payload: n })] },
            { now: later(1001) },
          ),
        ),
      );
      expect(moves.filter((enqueued) => enqueued !== undefined)).toHaveLength(1);
      expect(await reserve(current(), later(1001))).toHaveLength(1);
    });

    test("advancing a changed or removed schedule does nothing", async () => {
      await put();
      const from = present(await read());
      await put({ cron: "0 4 * * *" });
      expect(await move({ from })).toBeUndefined();
      expect(await current().removeSchedule("nightly")).toBe(true);
      expect(await move({ from })).toBeUndefined();
      expect(await current().removeSchedule("nightly")).toBe(false);
      expect(await reserve(current(), later(1e6))).toEqual([]);
    });

    test("the jobs of a tick keep their queue, priority and concurrency key", async () => {
      await put();
      const keyed = job({ queue: "mail", concurrencyKey: "k", priority: 3, maxAttempts: 2 });
      const [id] = present(await move({ jobs: [keyed, keyed] }));
      expect(await current().get(present(id))).toMatchObject({
        queue: "mail",
        concurrencyKey: "k",
        priority: 3,
        maxAttempts: 2,
      });
      expect(await reserve(current(), later(1001), { queue: "mail" })).toHaveLength(1);
    });

    test("a schedule without a tick during the retention is deleted", async () => {
      await put();
      await current().maintain(
        { archiveDays: 30, idempotencyKeyDays: 30, eventDays: 7 },
        { now: later(8 * 86_400_000) },
      );
      expect(await read()).toBeUndefined();
    });
  });
}
