import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { clearRows, findLockWaits, TEST_TIMEOUT_MS, until } from "@wharf/testkit";
import { type Connection, openConnection } from "../../db/connection.ts";
import { createDeleteInPieces } from "../../db/delete-in-pieces.ts";
import { beginSessionDeletion, finishSessionDeletion } from "../../db/edits/session-deletion.ts";
import { listUnparsed, readUnparsed } from "../../db/transcripts/unparsed-generations.ts";
import { openGeneration } from "../parse/open-generation.ts";
import { stepsOfFile } from "../parse/steps-of-file.ts";
import { writeStep } from "../parse/write-step.ts";
import { releaseResponses } from "../release-responses.ts";
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

/** Writes the only step of the session. */
async function writeOnlyStep(over: (connection: Connection) => Connection): Promise<void> {
  const stored = parsing.current();
  const [place] = await listUnparsed(parsing.sql, "a");
  const generation = place === undefined ? null : await readUnparsed(parsing.sql, place);
  if (generation === null) throw new Error("Nothing is left to parse.");
  const opened = await openGeneration(stored, generation);
  const connection = openConnection(parsing.sql);
  try {
    for await (const step of stepsOfFile(stored, generation, opened))
      await writeStep(over(connection), parsing.sql, opened.open, step);
  } finally {
    await connection.close();
  }
}

/** Returns whether the step was aborted. */
async function writeStepUntil(position: number): Promise<boolean> {
  try {
    await writeOnlyStep((connection) => aborting(connection, position));
    return false;
  } catch (error) {
    if (!(error instanceof Abort)) throw error;
    return true;
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

test("a deletion that begins while a step is written waits for it, and gives its responses to other sessions", async () => {
  await parsing.store({
    session_id: "b",
    agent: "claude-code",
    parts: [assistantLine("b", { id: "m", minute: 30 })],
  });
  await parsing.parseAll();
  await store();
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const step = writeOnlyStep((connection) => ({
    ...connection,
    query: async (template, ...parameters) => {
      if (template.join("").trim() === "COMMIT") {
        reached.resolve();
        await released.promise;
      }
      return await connection.query(template, ...parameters);
    },
  }));
  await reached.promise;
  await beginSessionDeletion(parsing.sql, "a");
  const deleteInPieces = createDeleteInPieces(parsing.current().database);
  const isReleased = deleteInPieces(releaseResponses("a"));
  await until(async () => (await findLockWaits(parsing.sql)).length > 0);
  released.resolve();
  await step;
  expect(await isReleased).toBe(true);
  expect(await finishSessionDeletion(deleteInPieces, "a", {})).toBe(true);
  expect(await parsing.sql`SELECT response_key, session_id FROM model_responses`).toMatchObject([
    { response_key: "m", session_id: "b" },
  ]);
});
