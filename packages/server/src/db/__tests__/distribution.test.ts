import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { useTestDatabase } from "@wharf/testkit";
import postgres from "postgres";
import { migratePhases } from "../phases.ts";
import type { Sql } from "../postgres.ts";
import { findObstacles } from "./distribution.ts";

const SCRIPT = join(import.meta.dir, "../../../../../citus/distribute.sql");

/** What a distribution of all tables would have to change first. Nothing is added here without its reason. */
const KNOWN = [
  // An id is unique in the whole hub, and identifies a row without its workspace: in requests, in cursors, and to the device.
  ...["events_pkey", "git_activity_pkey", "remote_envs_pkey", "session_reports_pkey", "sessions_pkey"],
  ...["idx_session_reports_transcript", "redaction_switches_pkey"],
  // Therefore what refers to such a row has its id alone.
  ...["events_session_id_fkey", "git_activity_session_id_fkey", "projection_retries"],
  ...["session_reports_session_id_fkey", "sessions_remote_env_id_fkey"],
  // A part of a session. The workspace of a session can change, and Citus changes no column of distribution.
  ...["content_blocks", "derivations_due", "file_touches", "git_matches", "hidden_messages"],
  ...["session_skills", "session_summaries", "session_tombstones", "session_worktrees", "subagents"],
  ...["teammates", "teams", "tool_calls", "usage_slots", "search_documents"],
  ...["transcript_facts", "transcript_files", "transcript_generations", "transcript_messages"],
  ...["transcript_segments", "transcript_turns"],
  // One response of a model may be in the transcripts of several sessions.
  ...["model_responses", "response_sightings"],
  // A template belongs to no workspace.
  "blueprints",
];

const database = useTestDatabase({ migrate: migratePhases });

const ADVICE =
  "Give the new table workspace_id, and put it into the key; or list it under TABLES_OF_THE_HUB or KNOWN.";
const namesOf = async (sql: Sql) => (await findObstacles(sql)).map(({ name }) => name);

test("no key or table forbids a distribution by workspace but those that are known", async () => {
  expect(await namesOf(database.sql), ADVICE).toEqual(KNOWN.toSorted());
});

test("a key, a foreign key and a table without the workspace are found, and none with it", async () => {
  await database.sql`CREATE TABLE kept (workspace_id text NOT NULL, id text, UNIQUE (workspace_id, id))`;
  await database.sql`
    CREATE TABLE added (workspace_id text NOT NULL REFERENCES workspaces, id text UNIQUE, kept_id text,
      CONSTRAINT whole FOREIGN KEY (workspace_id, kept_id) REFERENCES kept (workspace_id, id),
      session_id text CONSTRAINT part REFERENCES sessions)`;
  await database.sql`CREATE TABLE lonely (id text)`;
  const added = (await namesOf(database.sql)).filter((name) => !KNOWN.includes(name));
  expect(added.sort()).toEqual(["added_id_key", "lonely", "part"]);
  await database.sql`DROP TABLE added, kept, lonely`;
});

test("citus/distribute.sql removes all that forbids the distribution of events", async () => {
  const { sql } = database;
  await sql`CREATE TABLE calls (relation text, by text)`;
  await sql`
    CREATE FUNCTION create_distributed_table(relation regclass, by text) RETURNS void LANGUAGE sql AS
    'INSERT INTO calls VALUES (relation::text, by)'`;
  const before = await namesOf(sql);
  await runScript(database.url);
  expect(await sql`SELECT * FROM calls`).toEqual([{ relation: "events", by: "workspace_id" }] as never);
  const removed = before.filter((name) => name.startsWith("events_"));
  expect(await namesOf(sql)).toEqual(before.filter((name) => !removed.includes(name)));
  expect(
    await sql`SELECT FROM pg_constraint WHERE contype = 'f' AND 'events'::regclass IN (conrelid, confrelid)`,
  ).toBeEmpty();
});

/** Over a connection of its own, because it begins a transaction. */
async function runScript(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  await sql.unsafe(await Bun.file(SCRIPT).text()).finally(() => sql.end());
}

const { CITUS_URL } = process.env;
const cleanUp: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** A new database with the extension on the cluster of CITUS_URL, of which the one node at that address holds everything. */
async function createCitusDatabase(): Promise<{ url: string; sql: Sql }> {
  const name = `wharf_citus_${crypto.randomUUID().slice(0, 8)}`;
  const server = postgres(CITUS_URL ?? "", { max: 1 });
  await server`CREATE DATABASE ${server(name)}`;
  const url = new URL(CITUS_URL ?? "");
  url.pathname = `/${name}`;
  const sql = postgres(url.href, { max: 2, onnotice: () => undefined });
  cleanUp.push(
    () => server.end(),
    () => server`DROP DATABASE ${server(name)} WITH (FORCE)`,
    () => sql.end(),
  );
  await sql`CREATE EXTENSION citus`;
  return { url: url.href, sql };
}

test.if(CITUS_URL !== undefined)(
  "on Citus, events are distributed, and unique within their workspace",
  async () => {
    const { url, sql } = await createCitusDatabase();
    await migratePhases(sql);
    await runScript(url);
    expect(
      await sql`SELECT partmethod FROM pg_dist_partition WHERE logicalrelid = 'events'::regclass`,
    ).toEqual([{ partmethod: "h" }] as never);
    const insert = () => sql`
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, data)
    SELECT 'e' || n % 3, 'agent.tool', now(), 'desk', 'w' || n, '{}' FROM generate_series(1, 6) AS n ON CONFLICT DO NOTHING`;
    expect((await insert()).count).toBe(6);
    expect((await insert()).count).toBe(0);
    expect(await sql`SELECT FROM events WHERE id = 'e1'`).toHaveLength(2);
  },
);
