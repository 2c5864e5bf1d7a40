import { describe, expect, test } from "bun:test";
import { cronTicks } from "../engine/cron-ticks.ts";

/** The ticks from an instant on, as far as the last that is expected; and the same backwards. */
function ticksOf(cron: string, timeZone: string, after: string, count: number) {
  const ticks = cronTicks(cron, timeZone);
  const found: string[] = [];
  let at: Date | undefined = new Date(after);
  while (found.length < count) {
    at = ticks.next(at);
    if (at === undefined) break;
    found.push(at.toISOString().slice(0, 16));
  }
  const backwards: string[] = [];
  for (let before: Date | undefined = new Date((at?.getTime() ?? 0) + 1); backwards.length < count; ) {
    before = ticks.previous(before);
    if (before === undefined) break;
    backwards.unshift(before.toISOString().slice(0, 16));
  }
  return { found, backwards };
}

const TABLE: [name: string, cron: string, zone: string, after: string, ticks: string[]][] = [
  [
    "one time in a skipped hour",
    "30 2 * * *",
    "Europe/Berlin",
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00", "2026-03-30T00:30"],
  ],
  [
    "two times in a skipped hour are one",
    "15,45 2 * * *",
    "Europe/Berlin",
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00", "2026-03-30T00:15"],
  ],
  [
    "a skipped time and one behind the gap",
    "30 2,3 * * *",
    "Europe/Berlin",
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00", "2026-03-29T01:30", "2026-03-30T00:30"],
  ],
  [
    "a skipped time that falls on the next tick",
    "0 2-3 * * *",
    "Europe/Berlin",
    "2026-03-28T12:00Z",
    ["2026-03-29T01:00", "2026-03-30T00:00", "2026-03-30T01:00"],
  ],
  [
    "two times in a repeated hour",
    "15,45 2 * * *",
    "Europe/Berlin",
    "2026-10-24T12:00Z",
    ["2026-10-25T00:15", "2026-10-25T00:45", "2026-10-26T01:15"],
  ],
  [
    "the last second of a repeated hour",
    "59 59 2 * * *",
    "Europe/Berlin",
    "2026-10-24T12:00Z",
    ["2026-10-25T00:59", "2026-10-26T01:59"],
  ],
  [
    "the end of a repeated hour",
    "0 3 * * *",
    "Europe/Berlin",
    "2026-10-24T12:00Z",
    ["2026-10-25T02:00", "2026-10-26T02:00"],
  ],
  [
    "an hour that is skipped before midnight",
    "30 23 * * *",
    "America/Nuuk",
    "2026-03-28T01:30Z",
    ["2026-03-29T01:00", "2026-03-30T00:30"],
  ],
  [
    "the first minute of an hour that is skipped before midnight",
    "0 23 * * *",
    "America/Nuuk",
    "2026-03-28T01:00Z",
    ["2026-03-29T01:00", "2026-03-30T00:00"],
  ],
  [
    "a weekday whose end is skipped",
    "30 23 * * 6",
    "America/Nuuk",
    "2026-03-22T01:30Z",
    ["2026-03-29T01:00", "2026-04-05T00:30"],
  ],
  [
    "an hour that is repeated before midnight",
    "30 23 * * *",
    "America/Nuuk",
    "2026-10-24T12:00Z",
    ["2026-10-25T00:30", "2026-10-26T01:30"],
  ],
  [
    "midnight that is skipped",
    "0 0 * * *",
    "Africa/Cairo",
    "2026-04-23T12:00Z",
    ["2026-04-23T22:00", "2026-04-24T21:00"],
  ],
  [
    "half past a midnight that is skipped",
    "30 0 * * *",
    "Africa/Cairo",
    "2026-04-23T12:00Z",
    ["2026-04-23T22:00", "2026-04-24T21:30"],
  ],
  [
    "half an hour that is skipped",
    "15 2 * * *",
    "Australia/Lord_Howe",
    "2026-10-03T12:00Z",
    ["2026-10-03T15:30", "2026-10-04T15:15"],
  ],
  [
    "half an hour that is repeated",
    "45 1 * * *",
    "Australia/Lord_Howe",
    "2026-04-03T20:00Z",
    ["2026-04-04T14:45", "2026-04-05T15:15"],
  ],
  [
    "a day that was skipped",
    "0 12 * * *",
    "Pacific/Apia",
    "2011-12-29T00:00Z",
    ["2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00"],
  ],
  [
    "every twenty minutes over a skipped hour",
    "*/20 * * * *",
    "Europe/Berlin",
    "2026-03-29T00:20Z",
    ["2026-03-29T00:40", "2026-03-29T01:00", "2026-03-29T01:20"],
  ],
  [
    "every half hour over a repeated hour",
    "*/30 * * * *",
    "Europe/Berlin",
    "2026-10-25T00:00Z",
    ["2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30", "2026-10-25T02:00"],
  ],
  [
    "once an hour over a repeated hour",
    "30 * * * *",
    "Europe/Berlin",
    "2026-10-25T00:00Z",
    ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"],
  ],
  [
    "a day without a change",
    "0,30 9-10 * * 1-5",
    "America/New_York",
    "2026-06-05T13:30Z",
    ["2026-06-05T14:00", "2026-06-05T14:30", "2026-06-08T13:00"],
  ],
  [
    "a leap day",
    "0 12 29 2 *",
    "Europe/Berlin",
    "2026-01-01T00:00Z",
    ["2028-02-29T11:00", "2032-02-29T11:00"],
  ],
  ["a nickname", "@daily", "Europe/Berlin", "2026-03-28T12:00Z", ["2026-03-28T23:00", "2026-03-29T22:00"]],
];

describe("ticks", () => {
  for (const [name, cron, zone, after, ticks] of TABLE) {
    test(`${name}: ${cron} in ${zone}, forwards and backwards`, () => {
      const { found, backwards } = ticksOf(cron, zone, after, ticks.length);
      expect(found).toEqual(ticks);
      expect(backwards).toEqual(ticks);
    });
  }

  test("each day of a year has one run, in every time zone with clock changes", () => {
    for (const zone of [
      "Europe/Berlin",
      "America/Nuuk",
      "Africa/Cairo",
      "America/Havana",
      "America/Santiago",
      "Australia/Lord_Howe",
    ]) {
      for (const cron of ["30 23 * * *", "0 0 * * *", "30 0 * * *", "30 2 * * *"]) {
        const ticks = cronTicks(cron, zone);
        let count = 0;
        const end = new Date("2027-01-10T00:00Z");
        for (
          let at = ticks.next(new Date("2026-01-10T00:00Z"));
          at !== undefined && at < end;
          at = ticks.next(at)
        )
          count += 1;
        expect([zone, cron, count]).toEqual([zone, cron, 365]);
      }
    }
  });

  test("an expression of other than five or six fields, and a date, are refused", () => {
    for (const cron of [
      "",
      "* * * *",
      "0 0 * * * * 2027",
      "2026-12-24T12:00:00Z",
      "2026-12-24",
      "@reboot",
      "@",
    ]) {
      expect(() => cronTicks(cron, "UTC")).toThrow();
    }
  });

  test("an empty or unknown zone is refused, for times of day and for intervals", () => {
    for (const zone of ["", "Mars/Phobos", "Europe/Berlin "]) {
      expect(() => cronTicks("0 12 * * *", zone)).toThrow();
      expect(() => cronTicks("*/5 * * * *", zone)).toThrow();
    }
  });
});
