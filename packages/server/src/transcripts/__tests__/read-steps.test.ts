import { expect, test } from "bun:test";
import { readSteps } from "../parse/read-steps.ts";

async function stepsOf(text: string) {
  async function* bytes() {
    yield new TextEncoder().encode(text);
  }
  const reader = { read: () => [], state: () => "" };
  const steps = await Array.fromAsync(
    readSteps({ bytes: bytes(), from: 0, lines: 0, reader, is_torn: false }),
  );
  return steps.map(({ end, lines, records, counts }) => ({
    end,
    lines,
    records: records.length,
    blank: counts.blank,
  }));
}

test("a step ends after so many lines as a transaction holds, also when they are blank", async () => {
  expect(await stepsOf("\n".repeat(120_000))).toEqual([
    { end: 50_000, lines: 50_000, records: 0, blank: 50_000 },
    { end: 100_000, lines: 100_000, records: 0, blank: 50_000 },
    { end: 120_000, lines: 120_000, records: 0, blank: 20_000 },
  ]);
  expect(await stepsOf("{}\n".repeat(12_000))).toMatchObject([
    { lines: 5_000, records: 5_000 },
    { lines: 10_000, records: 5_000 },
    { lines: 12_000, records: 2_000 },
  ]);
});
