import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readRetention } from "../retention.ts";

const NOW = Date.parse("2026-03-14T10:00:00Z");
const DAY_MS = 86_400_000;

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "wharf-retention-"));
});
afterAll(() => rm(home, { recursive: true }));

async function write(name: string, value: object, days_ago = 0): Promise<string> {
  const path = join(home, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(value)}\n`);
  const at = new Date(NOW - days_ago * DAY_MS);
  await utimes(path, at, at);
  return path;
}

const read = () => readRetention({}, home, { now: NOW });

test("Claude Code deletes by its default, its settings, or those of the project with the fewest days", async () => {
  expect(await read()).toEqual([]);
  const site = join(home, "site");
  const oldest = await write(".claude/projects/-site/s-1.jsonl", { cwd: site }, 29.5);
  await write(".claude/projects/-site/s-2.jsonl", { cwd: site }, 24);
  await write(".claude/projects/-site/s-3.jsonl", { cwd: site }, 20);
  const root = join(home, ".claude");
  const [byDefault, ...rest] = await read();
  expect(rest).toEqual([]);
  expect(byDefault).toMatchObject({ root, days: 30, set_in: null, sessions: 3 });
  expect(byDefault?.due.map(({ file, deletes_at }) => [file.session_id, deletes_at])).toEqual([
    ["s-1", "2026-03-14T22:00:00.000Z"],
    ["s-2", "2026-03-20T10:00:00.000Z"],
  ]);
  expect(byDefault?.due[0]?.file.path).toBe(oldest);

  const settings = await write(".claude/settings.json", { cleanupPeriodDays: 365 });
  expect(await read()).toMatchObject([
    { days: 365, set_in: settings, next_deletion_at: "2027-02-12T22:00:00.000Z", due: [] },
  ]);
  const ofProject = await write("site/.claude/settings.local.json", { cleanupPeriodDays: 21 });
  expect(await read()).toMatchObject([{ days: 21, set_in: ofProject, due: { length: 3 } }]);
  await write("site/.claude/settings.local.json", { cleanupPeriodDays: "soon" });
  expect(await read()).toMatchObject([{ days: 365 }]);
});
