import postgres from "postgres";
import { matchGitActivity } from "../../../packages/server/src/db/projections/git-matches.ts";
import { projectEvents } from "../../../packages/server/src/ingest/project-events.ts";
import { progress } from "../report.ts";
import { writeEvents } from "./events.ts";
import {
  finishSessions,
  planEvents,
  type Size,
  writeNotes,
  writeParents,
  writeStubSessions,
} from "./rows.ts";

/** One a core. */
const CONNECTIONS = 2;
const EVENTS_A_STATEMENT = 100_000;
const PROJECTED_A_STATEMENT = 2_000;
const MATCHED_A_STATEMENT = 5_000;

/**
 * Fills a migrated database. Events are written by SQL in sets; what they mean to every other table is then made by the
 * product's own projection, so that rows, totals and relations are those that ingest would have written.
 */
export async function generate(url: string, size: Size): Promise<void> {
  const sql = postgres(url, { max: CONNECTIONS, onnotice: () => undefined });
  try {
    await relaxDurability(sql, true);
    await writeParents(sql);
    const events = await plan(url, size);
    progress(`planned ${events} events in ${size.sessions} sessions`);
    await writeAllEvents(url, events);
    await writeStubSessions(sql);
    await projectAll(sql);
    await matchAllGit(sql);
    await finishSessions(sql);
    await writeNotes(sql);
    await sql`DROP TABLE bench_events, bench_sessions`;
    await sql`DELETE FROM change_log WHERE created_at < now() - interval '1 hour' OR kind <> 'events'`;
    await relaxDurability(sql, false);
    progress("vacuum");
    await sql`VACUUM (ANALYZE, FREEZE)`;
    await sql`CHECKPOINT`;
  } finally {
    await sql.end();
  }
}

/** On one connection, whose random numbers are seeded. */
async function plan(url: string, size: Size): Promise<number> {
  const planner = postgres(url, { max: 1, onnotice: () => undefined });
  const events = await planEvents(planner, size);
  await planner.end();
  return events;
}

async function relaxDurability(sql: postgres.Sql, relaxed: boolean): Promise<void> {
  await sql.unsafe(relaxed ? "ALTER SYSTEM SET fsync = off" : "ALTER SYSTEM RESET fsync");
  await sql`SELECT pg_reload_conf()`;
}

/** Without the checks of foreign keys, whose sessions come later. */
async function writeAllEvents(url: string, events: number): Promise<void> {
  const loader = postgres(url, {
    max: CONNECTIONS,
    onnotice: () => undefined,
    connection: { session_replication_role: "replica" },
  });
  await inChunks(firstOf(events, EVENTS_A_STATEMENT), "events written", async (first) => {
    await writeEvents(loader, first, Math.min(events, first + EVENTS_A_STATEMENT - 1));
  });
  await loader.end();
}

async function projectAll(sql: postgres.Sql): Promise<void> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM events WHERE type <> 'tool.use' ORDER BY id`;
  const database = {
    run: <T>(query: (sql: postgres.Sql) => PromiseLike<T>) => Promise.resolve(query(sql)),
    close: async () => undefined,
  };
  await inChunks(split(rows, PROJECTED_A_STATEMENT), "sets projected", async (ids) => {
    await projectEvents(database, ids);
  });
}

async function matchAllGit(sql: postgres.Sql): Promise<void> {
  await sql`ANALYZE sessions, git_activity`;
  const rows = await sql<{ id: string }[]>`SELECT id FROM git_activity ORDER BY id`;
  await inChunks(split(rows, MATCHED_A_STATEMENT), "sets of git activity matched", (ids) =>
    matchGitActivity(sql, ids),
  );
}

/** Works on the chunks in their order, one per connection at a time, and prints its progress. */
async function inChunks<Chunk>(
  chunks: readonly Chunk[],
  what: string,
  work: (chunk: Chunk) => Promise<void>,
): Promise<void> {
  let next = 0;
  let done = 0;
  async function worker(): Promise<void> {
    for (;;) {
      const chunk = chunks[next++];
      if (chunk === undefined) return;
      await work(chunk);
      done += 1;
      if (done % 10 === 0 || done === chunks.length) progress(`${done}/${chunks.length} ${what}`);
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

function firstOf(count: number, size: number): number[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, chunk) => chunk * size + 1);
}

function split(rows: readonly { id: string }[], size: number): string[][] {
  return firstOf(rows.length, size).map((first) =>
    rows.slice(first - 1, first - 1 + size).map(({ id }) => id),
  );
}
