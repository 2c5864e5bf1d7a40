import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import postgres from "postgres";
import { projectEvents } from "../../ingest/project-events.ts";
import type { Database } from "../database.ts";
import { eventRow } from "../ingest/__tests__/event-row.ts";
import { type FlushInput, flushEvents, NO_NOTES } from "../ingest/flush-events.ts";
import { migratePhases } from "../phases.ts";
import { findMatchable, matchGitActivity } from "../projections/git-matches.ts";
import { finishRows, takeDueRows } from "../projections/projection-queue.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const SNAPSHOT = join(import.meta.dir, "..", "statements.snapshot.sql");
const HOW_TO_UPDATE = "If the change is intended, write it with: bun run statements:snapshot";
const database = useTestDatabase({ migrate: migratePhases });

const events = ["session.start", "git.commit", "subagent.start", "remote.terminate"].map((type) =>
  eventRow({ type, session_id: "s", data: '{"agent_id":"a","agent_type":"t","instance_id":"i"}' }),
);
const ids = events.map(({ id }) => id);
const input: FlushInput = { events, notes: NO_NOTES, mayHaveNewParents: true, projected_ids: ids };

/** Indented by its parentheses, without the blank lines where a part is left out. */
function readable(statement: string): string {
  let depth = 0;
  const lines = statement.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const closing = /^\)*/.exec(line)?.[0].length ?? 0;
      const indented = "  ".repeat(Math.max(0, depth - closing)) + line;
      const text = line.replaceAll(/'[^']*'|--.*$/g, "");
      depth += text.split("(").length - text.split(")").length;
      return indented;
    })
    .join("\n");
}

/** The statements that a flush and a round send, each under its name, in their order. */
async function renderStatements(): Promise<string> {
  const sent: string[] = [];
  const sql = postgres(database.url, {
    max: 1,
    connection: { session_replication_role: "replica" },
    debug: (_connection, statement) => sent.push(statement),
  });
  const parts: string[] = [];
  const render = async (name: string, run: () => Promise<unknown>) => {
    await run();
    const statements = sent.splice(0).filter((statement) => !/pg_catalog\.pg_type/.test(statement));
    parts.push(...statements.map((statement) => `-- ${name}\n${readable(statement)};\n`));
  };
  const round: Database = { run: async (query) => await query(sql), close: () => Promise.resolve() };
  try {
    await sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES ('w', 'w', 'w')`;
    sent.splice(0);
    await render("Flush: foreign keys are checked once", () => flushEvents(sql, input, "by-set"));
    await render("Flush of events whose parents are known", () =>
      flushEvents(sql, { ...input, mayHaveNewParents: false }, "by-set"),
    );
    await render("Flush with notes: foreign keys are checked for each row", () =>
      flushEvents(sql, { ...input, notes: '[{"event_id":"e"}]' }, "by-row"),
    );
    await render("Round", () => projectEvents(round, ids));
    await render("Round, git activity", () => findMatchable(sql, ids, ["s"], 1_000));
    await render("Round, git activity", () => matchGitActivity(sql, ids));
    await render("Round, at its end", () => finishRows(sql, ["1"], []));
    await render("Retry", () => takeDueRows(sql, 20));
  } finally {
    await sql.end({ timeout: 0 });
  }
  return parts.join("\n");
}

test("the statements of flushes and rounds are those of statements.snapshot.sql", async () => {
  const statements = await renderStatements();
  if (process.env["UPDATE_STATEMENTS_SNAPSHOT"] === "1") await Bun.write(SNAPSHOT, statements);
  expect(statements, HOW_TO_UPDATE).toBe(await Bun.file(SNAPSHOT).text());
});
