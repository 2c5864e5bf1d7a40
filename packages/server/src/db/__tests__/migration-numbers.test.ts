import { describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { readMigrations } from "../migration-files.ts";
import { PHASES } from "../phases.ts";

/** No new file may have a number up to this one: databases that exist would apply it after those that come before it here. */
const LANDED_MAX = 192;
const LANDED = [
  100, 110, 111, 120, 121, 130, 140, 150, 151, 160, 170, 171, 180, 181, 182, 183, 184, 190, 191, 192,
];

const folders = await Promise.all(
  PHASES.map(async ({ dir }) => ({ dir: basename(dir), files: (await readMigrations(dir)).files })),
);
const numberOf = (name: string) => Number(name.slice(0, 3));
const numbersIn = (dir: string) =>
  folders
    .filter((folder) => folder.dir === dir)
    .flatMap(({ files }) => files.map(({ name }) => numberOf(name)));

describe("the numbers of migrations", () => {
  test("have three digits, so that the order of names is the order of numbers", () => {
    for (const { name } of folders.flatMap(({ files }) => files))
      expect(name).toMatch(/^\d{3}_[a-z0-9_]+\.sql$/);
  });

  test("are each used once, over all folders", () => {
    const numbers = folders.flatMap(({ files }) => files.map(({ name }) => numberOf(name)));
    expect(numbers.toSorted((a, b) => a - b)).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  });

  test("belong to their folder: the job engine has those below 100, later/ those above", () => {
    const jobs = PHASES.find(({ name }) => name.startsWith("phase 6"))?.dir ?? "";
    for (const number of numbersIn(basename(jobs))) expect(number).toBeLessThan(100);
    for (const number of numbersIn("later")) expect(number).toBeGreaterThanOrEqual(100);
  });

  test("only go up: a new file of later/ sorts after all that have landed", () => {
    expect(numbersIn("later").filter((number) => number <= LANDED_MAX)).toEqual(LANDED);
  });
});
