import type { Sql } from "postgres";

const ROUNDS_LOCK = 20_260_301;

/** Keeps rounds from ending for as long as `sql` is connected: they wait where they change sessions. Flushes only add some. */
export async function holdRounds(sql: Sql): Promise<void> {
  await sql.unsafe(`
    CREATE FUNCTION hold_rounds() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_advisory_xact_lock(${ROUNDS_LOCK});
      RETURN NEW;
    END $$`);
  await addTrigger(sql, "held", "BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION hold_rounds()");
  const holder = await sql.reserve();
  await holder`SELECT pg_advisory_lock(${ROUNDS_LOCK})`;
}

/** Makes tables refuse relations, git activity and one session. Resolves with the way back. */
export async function refuseRelations(sql: Sql, session: string): Promise<() => Promise<void>> {
  const tables = ["subagents", "session_worktrees", "session_skills", "git_activity"];
  await sql.unsafe(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE check_violation USING MESSAGE = 'refused for now';
    END $$`);
  for (const table of tables)
    await addTrigger(sql, "refused", `BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse()`);
  const ofSession = `FOR EACH ROW WHEN (NEW.id = '${session}') EXECUTE FUNCTION refuse()`;
  await addTrigger(sql, "refused", `BEFORE UPDATE ON sessions ${ofSession}`);
  return async () => {
    for (const table of [...tables, "sessions"]) await sql.unsafe(`DROP TRIGGER refused ON ${table}`);
    await sql.unsafe("DROP FUNCTION refuse");
  };
}

/** Fires on all connections, also on those that leave foreign keys out. */
async function addTrigger(sql: Sql, name: string, definition: string): Promise<void> {
  const [table = ""] = /(?<= ON )\w+/.exec(definition) ?? [];
  await sql.unsafe(
    `CREATE TRIGGER ${name} ${definition}; ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${name}`,
  );
}
