import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clearRows, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { filesOfCase } from "../../../../transcripts/src/__tests__/case-files.ts";
import { CASES, casesWith } from "../../../../transcripts/src/__tests__/read-file.ts";
import { useParsing } from "./parsing.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const parsing = useParsing();
const folders = casesWith("expected.json").filter((folder) =>
  readFileSync(join(CASES, folder, "expected.json"), "utf8").includes('"naive"'),
);
afterEach(() => clearRows(parsing.sql));

const HELD = {
  output: "SELECT sum(output)::float8 AS held FROM model_responses",
  input: "SELECT sum(input)::float8 AS held FROM model_responses",
  // What Codex writes as input holds what was cached.
  input_with_cached: "SELECT sum(input + cache_read)::float8 AS held FROM model_responses",
  writes_5m: "SELECT sum(cache_write_5m)::float8 AS held FROM model_responses",
  responses: "SELECT count(*)::float8 AS held FROM model_responses",
  models: "SELECT count(DISTINCT model)::float8 AS held FROM model_responses",
  prompts: "SELECT sum(user_messages)::float8 AS held FROM sessions",
  sessions: "SELECT count(*)::float8 AS held FROM sessions",
  title: "SELECT title AS held FROM sessions",
  reported:
    "SELECT (data ->> 'cost_usd')::float8 AS held FROM transcript_facts WHERE fact = 'reported_cost' ORDER BY line DESC, position DESC LIMIT 1",
  child_input: "SELECT sum(input)::float8 AS held FROM model_responses WHERE session_id LIKE '%2b'",
} as const;

/** By the name of a wrong figure: what it miscounts. */
function heldBy(name: string): keyof typeof HELD {
  if (name === "child_input") return "child_input";
  if (name === "title" || name === "models") return name;
  if (name === "summed") return "reported";
  if (name === "all_writes_at_5m") return "writes_5m";
  if (name === "sessions_if_every_file_is_a_root") return "sessions";
  if (name.startsWith("prompts") || name === "user_lines") return "prompts";
  if (name.endsWith("responses")) return "responses";
  if (name === "sum_last_input" || name === "sum_totals") return "input_with_cached";
  if (name.includes("input")) return "input";
  if (name.includes("output")) return "output";
  throw new Error(`No figure of the database is compared with ${name}.`);
}

describe("a wrong way to count", () => {
  for (const folder of folders) {
    test(`of ${folder} differs from what the database holds`, async () => {
      const { naive } = await Bun.file(join(CASES, folder, "expected.json")).json();
      for (const file of await filesOfCase(folder)) {
        await parsing.store({ ...file, parts: [file.bytes] });
      }
      await parsing.parseAll();
      for (const [name, wrong] of Object.entries(naive)) {
        const [row] = await parsing.sql.unsafe(HELD[heldBy(name)]);
        expect(row?.["held"]).not.toBeNil();
        expect({ name, held: row?.["held"] }).not.toEqual({ name, held: wrong });
      }
    });
  }
});
