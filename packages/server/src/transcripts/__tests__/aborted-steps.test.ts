import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { clearRows, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { type Connection, openConnection } from "../../db/connection.ts";
import { findUnparsed } from "../../db/transcripts/unparsed-generations.ts";
import { openGeneration } from "../parse/open-generation.ts";
import { stepsOfFile } from "../parse/steps-of-file.ts";
import { writeStep } from "../parse/write-step.ts";
import { assistantLine, promptLine, resultLine } from "./claude-lines.ts";
import { digestOf } from "./digest.ts";
import { useParsing } from "./parsing.ts";

setDefaultTimeout(4 * TEST_TIMEOUT_MS);

const parsing = useParsing();
afterEach(() => clearRows(parsing.sql));

const call = { id: "call", name: "Bash", input: { command: "git commit -m x" } };
const lines = [
  promptLine("a", "Commit it", { uuid: "p" }),
  assistantLine("a", { id: "m", uuid: "a", call }),
  resultLine("a", { id: "call", uuid: "r", content: "[main 1a2b3c4] x" }),
  assistantLine("a", { id: "s", uuid: "s", agentId: "x" }),
].join("");

const store = () =>
  parsing.store({ session_id: "a", agent: "claude-code", file: "main.jsonl", parts: [lines] });

class Abort extends Error {}

/** Aborts before the statement at `position`, counted from BEGIN. */
function aborting(connection: Connection, position: number): Connection {
  let sent = 0;
  const query: Connection["query"] = (template, ...parameters) => {
    const isRollback = template.join("").trim() === "ROLLBACK";
    if (!isRollback && sent === position) return Promise.reject(new Abort());
    sent += 1;
    return connection.query(template, ...parameters);
  };
  return { ...connection, query };
}

/** Writes the only step of the session, and returns whether it was aborted. */
async function writeStepUntil(position: number): Promise<boolean> {
  const stored = parsing.current();
  const generation = await findUnparsed(parsing.sql, "a", []);
  if (generation === null) throw new Error("Nothing is left to parse.");
  const opened = await openGeneration(stored, generation);
  const own = openConnection(parsing.sql);
  const connection = aborting(own, position);
  try {
    for await (const step of stepsOfFile(stored, generation, opened)) {
      await writeStep(connection, parsing.sql, opened.open, step);
    }
    return false;
  } catch (error) {
    if (!(error instanceof Abort)) throw error;
    return true;
  } finally {
    await own.close();
  }
}

test("a step that is aborted before any of its statements writes nothing, and the next run writes all", async () => {
  await store();
  const before = await digestOf(parsing.sql);
  await parsing.parseAll();
  const expected = await digestOf(parsing.sql);
  let position = 0;
  for (; ; position += 1) {
    await clearRows(parsing.sql);
    await store();
    if (!(await writeStepUntil(position))) break;
    expect({ position, rows: await digestOf(parsing.sql) }).toEqual({ position, rows: before });
    await parsing.parseAll();
    expect({ position, rows: await digestOf(parsing.sql) }).toEqual({ position, rows: expected });
  }
  expect(position).toBeGreaterThan(10);
});
