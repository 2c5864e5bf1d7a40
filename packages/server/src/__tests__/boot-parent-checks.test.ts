import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createUlid } from "@wharf/protocol";
import { TEST_TIMEOUT_MS } from "@wharf/testkit";
import { createEmptyDatabase } from "../db/__tests__/empty-database.ts";
import type { Sql } from "../db/postgres.ts";
import { event, gitCommit, sessionEnd, sessionStart } from "./events.ts";
import { ADMIN_KEY, type ServerProgram, startServerProgram } from "./server-program.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const PINO_WARN = 40;

/** "replica": the flush checked the parents itself; "origin": foreign keys checked each row. */
async function noteHowEventsAreStored(sql: Sql): Promise<void> {
  await sql`ALTER TABLE events ADD COLUMN stored_as TEXT DEFAULT current_setting('session_replication_role')`;
}

async function howStored(sql: Sql, events: readonly { id: string }[]): Promise<unknown[]> {
  const ids = events.map(({ id }) => id);
  const rows = await sql<{ stored_as: string }[]>`SELECT stored_as FROM events WHERE id = ANY(${ids})`;
  return rows.map((row) => row.stored_as);
}

/** One request after the other, so that each is a flush of its own. */
async function sendAlone(server: ServerProgram, events: readonly object[]): Promise<void> {
  const url = `${await server.url()}/api/events`;
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" };
  for (const one of events) {
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ events: [one] }) });
    expect([response.status, await response.json()]).toMatchObject([202, { ingested: 1 }]);
  }
}

async function warningsOf({ program }: ServerProgram): Promise<{ obstacle?: string; msg: string }[]> {
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
  const lines = program.stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= PINO_WARN);
}

const usualEvents = () => [
  sessionStart("s1"),
  event({ type: "tool.use", session_id: "s1" }),
  gitCommit(),
  sessionEnd("s1"),
];

describe("a server that starts", () => {
  test("checks the parents of events once per flush", async () => {
    await using database = await createEmptyDatabase();
    await using server = await startServerProgram(database.url, { WHARF_ROLE: "server" });
    await server.url();
    await noteHowEventsAreStored(database.sql);
    const usual = usualEvents();
    const data = { session_id: "s1", agent_id: "a1", agent_type: "explorer" };
    const subagent = event({ type: "subagent.start", session_id: "s1", data });
    const events = [...usual, subagent];
    await sendAlone(server, events);
    expect(await howStored(database.sql, events)).toEqual(events.map(() => "replica"));
    expect(await warningsOf(server)).toEqual([]);
  });

  test("accepts events with a role without this right, and warns once with the remedy", async () => {
    await using database = await createEmptyDatabase();
    await using role = await createOwner(database.sql);
    const url = role.urlOf(database.url);
    await using refused = await startServerProgram(url, { WHARF_ROLE: "server" });
    await refused.url();
    await noteHowEventsAreStored(database.sql);
    const byRow = usualEvents();
    await sendAlone(refused, byRow);
    expect(await howStored(database.sql, byRow)).toEqual(byRow.map(() => "origin"));
    const warnings = await warningsOf(refused);
    expect(warnings).toMatchObject([
      {
        level: PINO_WARN,
        msg: expect.stringMatching(
          /^slower ingest: the database role may not set session_replication_role; .*GRANT/,
        ),
      },
    ]);
    const [grant = ""] = warnings[0]?.obstacle?.match(/GRANT .* TO (?=<that role>$)/) ?? [];

    await database.sql.unsafe(`${grant} ${role.name}`);
    await using repaired = await startServerProgram(url, { WHARF_ROLE: "server" });
    const bySet = [event()];
    await sendAlone(repaired, bySet);
    expect(await howStored(database.sql, bySet)).toEqual(["replica"]);
    expect(await warningsOf(repaired)).toEqual([]);
  });
});

/** A role that owns the database, as a managed Postgres gives it, and is no superuser. */
async function createOwner(sql: Sql) {
  const name = `owner_${createUlid().toLowerCase()}`;
  const password = "a-password-of-this-test";
  await sql.unsafe(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  const [row] = await sql<{ name: string }[]>`SELECT current_database() AS name`;
  await sql.unsafe(`ALTER DATABASE "${row?.name}" OWNER TO ${name}`);
  return {
    name,
    urlOf: (url: string) => Object.assign(new URL(url), { username: name, password }).href,
    [Symbol.asyncDispose]: async () => {
      await sql.unsafe(`REASSIGN OWNED BY ${name} TO CURRENT_USER`);
      await sql.unsafe(`DROP OWNED BY ${name}`);
      await sql.unsafe(`DROP ROLE ${name}`);
    },
  };
}
