import postgres from "postgres";
import { builtOnce } from "../built-once.ts";
import { errorCode } from "./database-errors.ts";
import { withDeadline } from "./deadline.ts";
import { createDb, describeConnectionString, HEALTH_TIMEOUT_MS } from "./postgres.ts";

export type Pooler = {
  /** A pooler in transaction mode stands before the database. */
  isPooled: boolean;
  foundBy: "DATABASE_URL" | "WHARF_PGBOUNCER" | "probe" | "embedded";
};

/** Finds out once, and remembers it. Throws what keeps a connection from being opened; the next call tries anew. */
export type FindPooler = () => Promise<Pooler>;

/** PgBouncer's refusal of a setting at the start of a connection. */
const PROTOCOL_VIOLATION = "08P01";
/** Postgres takes any setting with a dot in its name. */
const PROBE = "wharf.probe";

export function createPoolerCheck(url: string, setting: boolean | undefined): FindPooler {
  if (setting !== undefined) return async () => ({ isPooled: setting, foundBy: "WHARF_PGBOUNCER" });
  if (describeConnectionString(url).isPooled) {
    return async () => ({ isPooled: true, foundBy: "DATABASE_URL" });
  }
  return builtOnce(() => probe(url));
}

/** Whether a setting given at the start of a connection is there afterwards: poolers in transaction mode refuse or drop it. */
async function probe(url: string): Promise<Pooler> {
  const template = createDb(url, { isPooled: true, max: 1, connectTimeoutS: HEALTH_TIMEOUT_MS / 1000 });
  const options: object = template.options;
  const sql = postgres({
    ...options,
    fetch_types: false,
    connection: { application_name: "", [PROBE]: "1" },
  });
  try {
    const query = sql<{ value: string | null }[]>`SELECT current_setting(${PROBE}, true) AS value`;
    const [row] = await withDeadline(query, HEALTH_TIMEOUT_MS);
    return { isPooled: row?.value !== "1", foundBy: "probe" };
  } catch (error) {
    if (errorCode(error) === PROTOCOL_VIOLATION) return { isPooled: true, foundBy: "probe" };
    throw error;
  } finally {
    sql.end({ timeout: 0 }).catch(() => undefined);
  }
}
