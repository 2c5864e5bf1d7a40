import type { Connection } from "../connection.ts";
import { quoteIdentifier } from "./read-rows.ts";

type ForeignKey = { table: string; name: string; definition: string };
type Trigger = { table: string; name: string; mode: "O" | "A" | "R" };

const ENABLE = { O: "ENABLE", A: "ENABLE ALWAYS", R: "ENABLE REPLICA" } as const;

/**
 * Runs `work` with no foreign keys and no triggers, so that rows may come in any order and totals are not counted twice; then
 * adds the foreign keys again, which checks all rows at once. Within a transaction: the owner of the tables may do it, where
 * session_replication_role needs a grant.
 */
export async function withoutConstraints(connection: Connection, work: () => Promise<void>): Promise<void> {
  const foreignKeys = await readForeignKeys(connection);
  const triggers = await readTriggers(connection);
  await runAll(
    connection,
    foreignKeys.map(({ table, name }) => `ALTER TABLE ${table} DROP CONSTRAINT ${quoteIdentifier(name)}`),
  );
  await runAll(
    connection,
    triggers.map(({ table, name }) => `ALTER TABLE ${table} DISABLE TRIGGER ${quoteIdentifier(name)}`),
  );
  await work();
  await runAll(
    connection,
    triggers.map(
      ({ table, name, mode }) => `ALTER TABLE ${table} ${ENABLE[mode]} TRIGGER ${quoteIdentifier(name)}`,
    ),
  );
  await runAll(
    connection,
    foreignKeys.map(
      ({ table, name, definition }) =>
        `ALTER TABLE ${table} ADD CONSTRAINT ${quoteIdentifier(name)} ${definition}`,
    ),
  );
}

async function readForeignKeys(connection: Connection): Promise<ForeignKey[]> {
  return connection.query<ForeignKey[]>`
    SELECT conrelid::regclass::text AS "table", conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE contype = 'f' AND conparentid = 0 AND connamespace = 'public'::regnamespace
    ORDER BY 1, 2`;
}

async function readTriggers(connection: Connection): Promise<Trigger[]> {
  return connection.query<Trigger[]>`
    SELECT tgrelid::regclass::text AS "table", tgname AS name, tgenabled AS mode
    FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND tgparentid = 0 AND tgenabled <> 'D' AND relnamespace = 'public'::regnamespace
    ORDER BY 1, 2`;
}

async function runAll(connection: Connection, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await connection.script(statement);
}
