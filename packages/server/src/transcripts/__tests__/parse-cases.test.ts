import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { clearRows, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { type CaseFile, filesOfCase } from "../../../../transcripts/src/__tests__/case-files.ts";
import { CASES, casesWith, type Expected } from "../../../../transcripts/src/__tests__/read-file.ts";
import { useParsing } from "./parsing.ts";
import { describeStored } from "./stored-hub.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const folders = casesWith("expected.json");
const parsing = useParsing();
afterEach(() => clearRows(parsing.sql));

/** Stores the files one after the other, and parses after each. */
async function arrive(
  files: readonly CaseFile[],
  cut: (bytes: Uint8Array) => Uint8Array[],
  device_id = "laptop",
) {
  for (const { bytes, ...file } of files) {
    const is_torn = bytes.at(-1) !== 0x0a && file.kind !== "meta" && file.kind !== "tool-result";
    await parsing.store({ ...file, device_id, parts: cut(bytes), is_torn });
    await parsing.parseAll();
  }
}

const whole = (bytes: Uint8Array) => [bytes];

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

describe("a case through the database", () => {
  for (const folder of folders) {
    test(`${folder} has its expected values`, async () => {
      const files = await filesOfCase(folder);
      await arrive(files, whole);
      await expectCase(folder);
    });
  }
});
