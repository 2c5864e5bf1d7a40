import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { clearRows, spawnProgram, TEST_TIMEOUT_MS } from "@wharf/testkit";
import { seededRandom } from "../../__tests__/seeded-random.ts";
import type { Database } from "../../db/database.ts";
import { parseSession } from "../parse/parse-session.ts";
import { assistantLine, promptLine, resultLine } from "./claude-lines.ts";
import { digestOf } from "./digest.ts";
import { useParsing } from "./parsing.ts";

setDefaultTimeout(4 * TEST_TIMEOUT_MS);

const parsing = useParsing();
afterEach(() => clearRows(parsing.sql));

/** More lines than one step holds. */
const TURNS = 2_000;
const KILLS_MIN = 3;
/** About the time of a step: some kills hit a transaction, others the time between two. */
const KILLED_WITHIN_MS = 300;

const turns = Array.from({ length: TURNS }, (_, n) => {
  const call = { id: `call-${n}`, name: "Bash", input: { command: `git commit -m ${n}` } };
  return [
    promptLine("a", `Question ${n}`, { uuid: `p-${n}`, minute: n }),
    assistantLine("a", { id: `m-${n}`, uuid: `a-${n}`, minute: n, output: n, call }),
    resultLine("a", { id: `call-${n}`, uuid: `r-${n}`, minute: n, content: `[main ${1_000_000 + n}] ${n}` }),
  ].join("");
});
const main = turns.join("");
const subagent = Array.from({ length: 50 }, (_, n) =>
  assistantLine("a", { id: `s-${n}`, uuid: `s-${n}`, output: 2, agentId: "x" }),
).join("");

async function store(): Promise<void> {
  await parsing.store({
    session_id: "a",
    agent: "claude-code",
    parts: [main.slice(0, 900_000), main.slice(900_000)],
  });
  const file = "subagents/agent-x.jsonl";
  await parsing.store({ session_id: "a", agent: "claude-code", kind: "subagent", file, parts: [subagent] });
  // A copy of the session's first turns, as a fork holds it.
  await parsing.store({ session_id: "b", agent: "claude-code", parts: [turns.slice(0, 200).join("")] });
}

const startProgram = () =>
  spawnProgram({
    command: [process.execPath, join(import.meta.dir, "parse-program.ts")],
    cwd: import.meta.dir,
    env: { ...process.env, DATABASE_URL: parsing.url },
  });

test("a parse that is killed again and again leaves the rows of one that was not", async () => {
  await store();
  await parsing.parseAll();
  const expected = await digestOf(parsing.sql);
  expect(expected["responses"]).toHaveLength(TURNS + 50);
  await clearRows(parsing.sql);

  await store();
  const random = seededRandom();
  let kills = 0;
  for (;;) {
    const program = startProgram();
    if (kills < KILLS_MIN) {
      // It ends without a step if only the statements behind the last one are missing.
      await program.waitForOutput(/step/).catch(() => undefined);
      await Bun.sleep(random() * KILLED_WITHIN_MS);
      program.kill("SIGKILL");
    }
    const code = await program.exited;
    if (code === 0) break;
    expect(code).toBe(128 + 9);
    kills += 1;
  }
  expect(kills).toBeGreaterThan(0);
  expect(await digestOf(parsing.sql)).toEqual(expected);
});

test("a process that ends between what it keeps of a session and the session's row leaves the row to the next one", async () => {
  await parsing.store({ session_id: "a", agent: "claude-code", parts: [turns.slice(0, 3).join("")] });
  const { database, blobs } = parsing.current();
  const run: Database["run"] = async (query) => {
    const kept = await parsing.sql`SELECT FROM session_reports WHERE kind = 'transcript'`;
    if (kept.length > 0) throw new Error("ended");
    return await database.run(query);
  };
  await expect(parseSession({ database: { ...database, run }, blobs }, "a")).rejects.toThrow("ended");
  const row = async () => (await parsing.sql`SELECT initial_prompt, is_outdated FROM sessions`)[0];
  expect(await row()).toMatchObject({ initial_prompt: null, is_outdated: true });
  await parsing.parseAll();
  expect(await row()).toMatchObject({ initial_prompt: "Question 0", is_outdated: false });
});
