import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { clearRows, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { type CaseFile, filesOfCase } from "../../../../transcripts/src/__tests__/case-files.ts";
import { CASES, casesWith, type Expected } from "../../../../transcripts/src/__tests__/read-file.ts";
import { requestReading } from "../../db/transcripts/read-again.ts";
import { refreshAndMatch } from "../../ingest/refresh-sessions.ts";
import { type MessagePosition, readPage } from "../transcript-page.ts";
import { digestOf } from "./digest.ts";
import { useParsing } from "./parsing.ts";
import { describeStored } from "./stored-hub.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const folders = casesWith("expected.json");
const parsing = useParsing();
afterEach(() => clearRows(parsing.sql));

type Cut = (bytes: Uint8Array) => Uint8Array[];

const whole: Cut = (bytes) => [bytes];
const byLines: Cut = (bytes) => {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    parts.push(bytes.subarray(start, end));
    start = end;
  }
  return parts;
};
const NEWLINE = 0x0a;

/** Stores parts of files one after the other, and parses after each. */
async function arrive(files: readonly CaseFile[], cut: Cut = whole, device_id = "laptop", generation = 1) {
  for (const { bytes, ...file } of files) {
    const isLines = file.kind !== "meta" && file.kind !== "tool-result";
    const parts = isLines ? cut(bytes) : [bytes];
    for (const [index, part] of parts.entries()) {
      const is_torn = isLines && index === parts.length - 1 && part.at(-1) !== NEWLINE;
      await parsing.store({ ...file, device_id, generation, parts: [part], is_torn });
      await parsing.parseAll();
    }
  }
}

/** The sessions become the device's own. */
async function report(device_id: string): Promise<void> {
  const rows = await parsing.sql<{ session_id: string }[]>`
    INSERT INTO session_reports (session_id, kind, at, workspace_id, device_id)
    SELECT id, 'report', '2025-01-01T00:00:00Z', 'w', ${device_id} FROM sessions RETURNING session_id`;
  await refreshAndMatch(
    parsing.current().database,
    rows.map(({ session_id }) => session_id),
  );
  await parsing.parseAll();
}

async function expectCase(folder: string): Promise<void> {
  const expected: Expected = await Bun.file(join(CASES, folder, "expected.json")).json();
  const described = await describeStored(parsing.sql);
  for (const { incomplete: _, responses, tokens, compactions, ...wanted } of expected.sessions) {
    const session = described.find(({ id }) => id === wanted.id);
    expect(session).toMatchObject(wanted);
    expect(session).toMatchObject(responses === null ? { responses: 0 } : { responses, tokens });
    if (typeof compactions === "number") expect(session?.["compactions"]).toHaveLength(compactions);
    else if (compactions !== undefined) expect(session).toMatchObject({ compactions });
  }
  await expectTotals(expected);
  expect([...(await responsesWithoutMessage())]).toEqual([]);
}

/** What pages of any size show adds up to what each session and subagent spent itself. */
async function expectPages(): Promise<void> {
  const spent = await parsing.sql<{ session_id: string; subagent_id: string | null; output: number }[]>`
    SELECT session_id, subagent_id, coalesce(sum(output), 0)::float8 AS output FROM model_responses GROUP BY 1, 2`;
  for (const { output, ...scope } of spent)
    for (const limit of [1, 3]) {
      let [sum, position]: [number, MessagePosition | null] = [0, null];
      do {
        const page = await readPage(parsing.sql, { density: "full", scope, limit }, position);
        for (const { tokens_out } of page.messages) sum += Number(tokens_out ?? 0);
        position = page.next;
      } while (position !== null);
      expect({ ...scope, limit, output: sum }).toEqual({ ...scope, limit, output });
    }
}

/** The tokens of all messages of a session, or of one of its subagents, add up to those of its responses. */
function responsesWithoutMessage() {
  return parsing.sql`
    SELECT r.session_id, r.response_key FROM model_responses r WHERE NOT EXISTS (
      SELECT FROM transcript_messages m
      WHERE m.session_id = r.session_id AND m.response_key = r.response_key AND m.subagent_id IS NOT DISTINCT FROM r.subagent_id
    )`;
}

async function expectLines(folder: string): Promise<void> {
  const expected: Expected = await Bun.file(join(CASES, folder, "expected.json")).json();
  const files = await filesOfCase(folder);
  for (const [path, { total, ...counts }] of Object.entries(expected.lines ?? {})) {
    const file = files.find((found) => found.path === path);
    const [row] = await parsing.sql`
      SELECT g.parsed_lines::int AS total, g.counts FROM transcript_generations g JOIN transcript_files f ON f.id = g.file_id
      WHERE f.session_id = ${file?.session_id ?? ""} AND f.file = ${file?.file ?? ""}`;
    expect({ path, total: row?.["total"], ...row?.["counts"] }).toMatchObject({ path, total, ...counts });
  }
}

/** The sessions' own columns add up to what all responses hold. */
async function expectTotals({ totals }: Expected): Promise<void> {
  const [sums] = await parsing.sql`
    SELECT sum(response_count)::int AS responses, sum(tokens_in)::int AS input, sum(tokens_out)::int AS output,
      sum(cache_read_tokens)::int AS cache_read, sum(cache_write_tokens)::int AS cache_write
    FROM sessions`;
  const [all] = await parsing.sql`
    SELECT count(*)::int AS responses, sum(input)::int AS input, sum(output)::int AS output, sum(cache_read)::int AS cache_read,
      sum(cache_write_5m + cache_write_1h)::int AS cache_write FROM model_responses`;
  expect(sums).toEqual(all);
  const tokens = Object(totals["tokens"]);
  if (totals["tokens"] !== null)
    expect(sums).toMatchObject({
      responses: totals["responses"],
      input: tokens.input,
      output: tokens.output,
      cache_read: tokens.cache_read,
    });
}

/** All that a case makes of an empty database. */
async function digestAfter(arrival: () => Promise<void>): Promise<Record<string, readonly unknown[]>> {
  await clearRows(parsing.sql);
  await arrival();
  return await digestOf(parsing.sql);
}

/** The lines of each file up to its middle, and those behind it. */
function halves(files: CaseFile[]): [CaseFile[], CaseFile[]] {
  const part = (of: (lines: Uint8Array[]) => Uint8Array[]) =>
    files.map((file) => ({ ...file, bytes: Buffer.concat(of(byLines(file.bytes))) }));
  return [
    part((lines) => lines.slice(0, Math.ceil(lines.length / 2))),
    part((lines) => lines.slice(Math.ceil(lines.length / 2))),
  ];
}

describe("a case through the database", () => {
  for (const folder of folders) {
    test(`${folder} has its expected values and lines`, async () => {
      await arrive(await filesOfCase(folder));
      await expectCase(folder);
      await expectLines(folder);
      await expectPages();
    });

    test(`${folder} makes the same rows in each order of files, line by line, and read again`, async () => {
      const files = await filesOfCase(folder);
      const once = await digestAfter(() => arrive(files));
      expect(await digestAfter(() => arrive(files.toReversed()))).toEqual(once);
      expect(await digestAfter(() => arrive(files.toReversed(), byLines))).toEqual(once);
      for (const id of new Set(files.map(({ session_id }) => session_id))) {
        expect(await requestReading(parsing.sql, id)).toBe(true);
      }
      await parsing.parseAll();
      expect(await digestOf(parsing.sql)).toEqual(once);
    });

    test(`${folder} has its values once when two devices hold it, in each order`, async () => {
      const files = await filesOfCase(folder);
      const [firstHalf, secondHalf] = halves(files);
      const once = await digestAfter(async () => {
        await arrive(files);
        await arrive(firstHalf, whole, "desk");
        await arrive(secondHalf, whole, "desk");
        await report("laptop");
      });
      await expectCase(folder);
      const reversed = await digestAfter(async () => {
        await arrive(firstHalf, whole, "desk");
        await arrive(files.toReversed(), byLines);
        await report("laptop");
        await arrive(secondHalf, byLines, "desk");
      });
      await expectCase(folder);
      expect(reversed).toEqual(once);
    });

    test(`${folder} has its values once when its files are written anew`, async () => {
      const files = await filesOfCase(folder);
      await arrive(halves(files)[0]);
      await arrive(files, whole, "laptop", 2);
      await expectCase(folder);
    });
  }
});
