import { describe, expect, test } from "bun:test";
import { until } from "@wharf/testkit";
import { z } from "zod";
import type { Driver } from "../contract/driver.ts";
import { createScheduler } from "../engine/scheduler.ts";
import { defineJob, defineSchedule, MISSED_TICKS_MAX, type ScheduleOptions } from "../index.ts";
import { createMemoryDriver } from "../stores/memory/memory.ts";
import { useRunners } from "./setup.ts";

const { runnerOf, started } = useRunners();
const tickInput = z.object({ at: z.string() });
const job = defineJob({ name: "tick", input: tickInput, run: (_ctx, { at }) => at });
const input = (tick: Date) => ({ at: tick.toISOString() });

function scheduleOf(fields: Partial<ScheduleOptions<typeof tickInput>> = {}) {
  return defineSchedule({ name: "s", cron: "0 * * * *", job, input, ...fields });
}

/** What a scheduler enqueued at each of these instants: the ticks. */
async function ticksAt(driver: Driver, schedule: ReturnType<typeof scheduleOf>, instants: readonly string[]) {
  const scheduler = createScheduler(driver, [schedule]);
  const ticks: string[][] = [];
  for (const now of instants) {
    const ids = await scheduler.fireDue({ now });
    const records = await Promise.all(ids.map((id) => driver.get(id)));
    ticks.push(records.map((record) => tickInput.parse(record?.payload).at.slice(0, 16)));
  }
  return ticks;
}

describe("ticks by the clock of a time zone", () => {
  const daily = (cron: string, timeZone: string, after: string, count: number) => {
    const schedule = scheduleOf({ cron, timeZone });
    const ticks: string[] = [];
    for (let at = new Date(after); ticks.length < count; ) {
      at = schedule.next(at);
      ticks.push(at.toISOString().slice(0, 16));
    }
    return ticks;
  };

  test("a time skipped by the clock change runs once, directly after it", () => {
    expect(daily("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3)).toEqual([
      "2026-03-28T01:30",
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ]);
  });

  test("a time repeated by the clock change runs once, at its first occurrence", () => {
    expect(daily("30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", 3)).toEqual([
      "2026-10-24T00:30",
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ]);
  });

  test("an interval continues evenly through both changes, also through a change of half an hour", () => {
    for (const [zone, from] of [
      ["Europe/Berlin", "2026-03-28T22:00:00Z"],
      ["Europe/Berlin", "2026-10-24T22:00:00Z"],
      ["Australia/Lord_Howe", "2026-04-04T12:00:00Z"],
    ] as const) {
      const ticks = daily("*/10 * * * *", zone, from, 60).map((tick) => Date.parse(`${tick}Z`));
      expect(new Set(ticks.slice(1).map((tick, n) => tick - (ticks[n] ?? 0)))).toEqual(new Set([600_000]));
    }
  });

  test("the ticks of a year are the same forwards and backwards, in zones with clock changes", () => {
    for (const [cron, zone] of [
      ["15 */2 * * *", "America/New_York"],
      ["30 2 * * *", "Europe/Berlin"],
      ["*/20 1-3 * * 0", "Australia/Lord_Howe"],
    ] as const) {
      const schedule = scheduleOf({ cron, timeZone: zone, missed: "all" });
      const end = new Date("2027-01-01T00:00:00Z");
      const forwards: number[] = [];
      for (let at = schedule.next(new Date("2026-01-01T00:00:00Z")); at < end; at = schedule.next(at)) {
        forwards.push(at.getTime());
      }
      for (let from = 0; from < forwards.length; from += 50) {
        const span = forwards.slice(from, from + 50);
        const due = schedule.due(new Date(span[0] ?? 0), new Date(span.at(-1) ?? 0));
        expect(due.run.map((tick) => tick.getTime())).toEqual(span);
      }
    }
  });
});

describe("ticks that were missed", () => {
  const gap = [
    "2026-03-01T09:30:00Z",
    "2026-03-01T10:00:00.5Z",
    "2026-03-01T14:00:30Z",
    "2026-03-01T14:00:31Z",
  ];

  test("a due tick runs for every handling of missed ticks; the next check finds nothing", async () => {
    for (const missed of ["skip", "latest", "all"] as const) {
      const ticks = await ticksAt(createMemoryDriver(), scheduleOf({ missed }), gap.slice(0, 2));
      expect(ticks).toEqual([[], ["2026-03-01T10:00"]]);
    }
  });

  test("the latest, all or none of the missed ticks run", async () => {
    const expected = {
      skip: ["2026-03-01T14:00"],
      latest: ["2026-03-01T14:00"],
      all: ["2026-03-01T11:00", "2026-03-01T12:00", "2026-03-01T13:00", "2026-03-01T14:00"],
    };
    for (const missed of ["skip", "latest", "all"] as const) {
      const ticks = await ticksAt(createMemoryDriver(), scheduleOf({ missed }), gap);
      expect(ticks.slice(2)).toEqual([expected[missed], []]);
    }
  });

  test("a tick that is late by more than a minute counts as missed", async () => {
    const late = ["2026-03-01T09:30:00Z", "2026-03-01T10:20:00Z", "2026-03-01T11:00:00Z"];
    expect(await ticksAt(createMemoryDriver(), scheduleOf({ missed: "skip" }), late)).toEqual([
      [],
      [],
      ["2026-03-01T11:00"],
    ]);
    expect(await ticksAt(createMemoryDriver(), scheduleOf(), late)).toEqual([
      [],
      ["2026-03-01T10:00"],
      ["2026-03-01T11:00"],
    ]);
  });

  test("after a very long pause a limited number of the latest missed ticks runs", async () => {
    const pause = ["2026-03-01T09:30:00Z", "2026-03-20T09:30:00Z"];
    const [, ticks] = await ticksAt(createMemoryDriver(), scheduleOf({ missed: "all" }), pause);
    expect(ticks).toHaveLength(MISSED_TICKS_MAX);
    expect(ticks?.at(-1)).toBe("2026-03-20T09:00");
  });
});

describe("a schedule that changes", () => {
  const morning = "2026-03-01T09:30:00Z";

  test("a new expression applies when its program starts; the old program then does not change it", async () => {
    const driver = createMemoryDriver();
    const [old, next] = [
      createScheduler(driver, [scheduleOf()]),
      createScheduler(driver, [scheduleOf({ cron: "15 * * * *" })]),
    ];
    await old.fireDue({ now: morning });
    await next.fireDue({ now: morning });
    expect(await old.fireDue({ now: "2026-03-01T10:16:00Z" })).toEqual([]);
    expect(await next.fireDue({ now: "2026-03-01T10:16:00Z" })).toHaveLength(1);
    expect(await old.fireDue({ now: "2026-03-01T11:16:00Z" })).toEqual([]);
  });

  test("another time zone is another schedule", async () => {
    const driver = createMemoryDriver();
    const cron = "0 10 * * *";
    await createScheduler(driver, [scheduleOf({ cron })]).fireDue({ now: morning });
    await createScheduler(driver, [scheduleOf({ cron, timeZone: "Asia/Tokyo" })]).fireDue({ now: morning });
    const { schedules } = await driver.schedules(["s"]);
    expect(schedules).toMatchObject([{ timeZone: "Asia/Tokyo", nextAt: "2026-03-02T01:00:00.000000Z" }]);
  });

  test("a schedule that no program declares enqueues nothing; a removed one starts anew", async () => {
    const driver = createMemoryDriver();
    await createScheduler(driver, [scheduleOf()]).fireDue({ now: morning });
    const other = createScheduler(driver, [scheduleOf({ name: "other" })]);
    expect(await other.fireDue({ now: "2026-03-01T09:31:00Z" })).toEqual([]);
    expect(await other.fireDue({ now: "2026-03-01T10:00:01Z" })).toHaveLength(1);
    expect(await driver.removeSchedule("s")).toBe(true);
    expect(await createScheduler(driver, [scheduleOf()]).fireDue({ now: "2026-03-05T00:00:01Z" })).toEqual(
      [],
    );
  });

  test("a schedule whose row was deleted is stored again", async () => {
    const driver = createMemoryDriver();
    const scheduler = createScheduler(driver, [scheduleOf()]);
    await scheduler.fireDue({ now: morning });
    await driver.removeSchedule("s");
    await scheduler.fireDue({ now: morning });
    expect(await scheduler.fireDue({ now: "2026-03-01T10:00:00Z" })).toHaveLength(1);
  });
});

describe("invalid schedules", () => {
  test("an invalid expression, zone, name or input is rejected at its definition", () => {
    const refused = (fields: object) => expect(() => scheduleOf(fields));
    refused({ cron: "61 * * * *" }).toThrow(
      'Schedule s has an invalid cron expression or time zone: "61 * * * *" in "UTC" (CronPattern: Invalid value for minute: 61).',
    );
    refused({ cron: "" }).toThrow("A cron expression has 5 or 6 fields");
    refused({ timeZone: "Mars/Phobos" }).toThrow("Mars/Phobos");
    refused({ cron: "0 0 31 2 *" }).toThrow("no tick in the future");
    refused({ name: "" }).toThrow("The name of a schedule");
    refused({ input: { at: 5 } }).toThrow("does not match its schema");
  });

  test("two schedules with the same name are rejected", () => {
    expect(() => runnerOf([job], { schedules: [scheduleOf(), scheduleOf()] })).toThrow(
      "Two schedules are named s",
    );
  });
});

test("a started runner enqueues and runs its schedules by the database's clock", async () => {
  const everySecond = defineSchedule({ name: "often", cron: "* * * * * *", job, input });
  const runner = await started([job], { schedules: [everySecond] });
  await until(() => runner.stats().completed >= 2, { describe: "two ticks to be run" });
  expect(runner.stats().submitted).toBeGreaterThanOrEqual(2);
});

describe("a schedule whose input throws", () => {
  const morning = "2026-03-04T10:00:00Z";
  const noon = "2026-03-04T12:00:00Z";
  const failures: Record<string, [string, (tick: Date) => { at: string }]> = {
    "because it throws": [
      "Error: no data yet",
      () => {
        throw new Error("no data yet");
      },
    ],
    "because it misses its schema": ["at: invalid_type", () => JSON.parse('{"at":5}')],
    "because it throws what is no error": ["nothing", () => throwText("nothing")],
  };

  for (const [why, [reason, broken]] of Object.entries(failures)) {
    test(`does not affect other schedules, and stays due: ${why}`, async () => {
      const driver = createMemoryDriver();
      let isMended = false;
      const failing = scheduleOf({ name: "a", input: (tick) => (isMended ? input(tick) : broken(tick)) });
      const errors: string[] = [];
      const scheduler = createScheduler(driver, [failing, scheduleOf({ name: "b" })], (name) =>
        errors.push(name),
      );
      await scheduler.fireDue({ now: morning });
      expect(await scheduler.fireDue({ now: noon })).toHaveLength(1);
      expect(errors).toEqual(["a"]);
      expect(scheduler.failing()["a"]).toContain(reason);
      isMended = true;
      expect(await scheduler.fireDue({ now: noon })).toHaveLength(1);
      expect(scheduler.failing()).toEqual({});
    });
  }

  test("is counted and reported by its name", async () => {
    const name = 'odd "name"';
    const broken = scheduleOf({ name, cron: "* * * * * *", input: () => throwText("nothing") });
    const runner = await started([job], { dsn: "memory:", schedules: [broken] });
    await until(() => runner.stats().failingSchedules[name] === "nothing");
    expect(runner.metrics.prometheus()).toMatch(
      /phase6_schedule_errors_total\{schedule="odd \\"name\\""\} \d/,
    );
  });

  test("is not blamed when the database is unavailable", async () => {
    const away = Object.assign(new Error("away"), { code: "ECONNREFUSED" });
    const driver = { ...createMemoryDriver(), moveSchedule: () => Promise.reject(away) };
    const scheduler = createScheduler(driver, [scheduleOf()], () => undefined);
    await scheduler.fireDue({ now: morning });
    await expect(scheduler.fireDue({ now: noon })).rejects.toBe(away);
  });
});

function throwText(text: string): never {
  throw text;
}
