import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { testServerUrl } from "./server-url.ts";

export type Migrate = (sql: postgres.Sql) => Promise<unknown>;

const CONNECT_TIMEOUT_S = 10;

/** Names the run that this process is a part of, and that drops what its processes made: `dropDatabasesOf`. */
export const RUN_VARIABLE = "WHARF_TEST_RUN";

const templates = new Map<Migrate, Promise<string>>();
let admin: Promise<postgres.Sql> | undefined;

/** The name of a database that `migrate` was run on: made once in this process for each function. */
export function templateFor(migrate: Migrate): Promise<string> {
  const existing = templates.get(migrate);
  if (existing) return existing;
  const template = createTemplate(migrate);
  templates.set(migrate, template);
  return template;
}

export async function dropTemplates(): Promise<void> {
  const made = await Promise.allSettled(templates.values());
  templates.clear();
  if (!admin) return;
  const sql = await admin;
  for (const result of made) if (result.status === "fulfilled") await dropDatabase(result.value);
  admin = undefined;
  await sql.end({ timeout: 1 });
}

/** Drops templates, and databases of tests that were killed, which processes of this run left. */
export async function dropDatabasesOf(run: string, serverUrl: string): Promise<void> {
  const sql = await openAdmin(serverUrl);
  try {
    const names = await sql<{ name: string }[]>`
      SELECT datname AS name FROM pg_database WHERE datname LIKE ${`wharf\\_%\\_${run}\\_%`}`;
    for (const { name } of names) await sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Without a template: an empty database. */
export async function createDatabase(name: string, template?: string): Promise<void> {
  const sql = await adminSql();
  await sql`CREATE DATABASE ${sql(name)} TEMPLATE ${sql(template ?? "template0")}`;
}

export async function dropDatabase(name: string): Promise<void> {
  const sql = await adminSql();
  await sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`;
}

export async function urlOf(database: string): Promise<string> {
  const url = new URL(await testServerUrl());
  url.pathname = `/${database}`;
  return url.href;
}

/** Unique across processes and machines that share a Postgres. */
export function uniqueName(kind: "test" | "template"): string {
  const run = process.env[RUN_VARIABLE] ?? process.pid;
  return `wharf_${kind}_${run}_${randomBytes(6).toString("hex")}`;
}

async function createTemplate(migrate: Migrate): Promise<string> {
  const name = uniqueName("template");
  await createDatabase(name);
  const sql = postgres(await urlOf(name), { onnotice: () => {}, connect_timeout: CONNECT_TIMEOUT_S });
  try {
    await migrate(sql);
  } finally {
    // A template can be copied only without connections to it.
    await sql.end({ timeout: 5 });
  }
  return name;
}

function adminSql(): Promise<postgres.Sql> {
  admin ??= testServerUrl().then(openAdmin);
  return admin;
}

async function openAdmin(url: string): Promise<postgres.Sql> {
  const sql = postgres(url, {
    max: 2,
    idle_timeout: 1,
    connect_timeout: CONNECT_TIMEOUT_S,
    onnotice: () => {},
  });
  const [server] = await sql<TestServer[]>`
    SELECT current_setting('server_version_num')::int AS version_num, rolsuper AS is_superuser
    FROM pg_roles WHERE rolname = current_user`;
  const obstacle = server === undefined ? null : obstacleToTests(server);
  if (obstacle === null) return sql;
  await sql.end({ timeout: 1 });
  throw new Error(obstacle);
}

export type TestServer = { version_num: number; is_superuser: boolean };

const POSTGRES_MAJOR_MIN = 15;

/** Why the tests cannot run on the server of TEST_DATABASE_URL, and what to do; null if they can. */
export function obstacleToTests({ version_num, is_superuser }: TestServer): string | null {
  if (version_num < POSTGRES_MAJOR_MIN * 10_000) {
    return `TEST_DATABASE_URL is Postgres ${Math.floor(version_num / 10_000)}, and the tests require ${POSTGRES_MAJOR_MIN} or newer. Unset it to use an embedded Postgres.`;
  }
  if (is_superuser) return null;
  return "The role of TEST_DATABASE_URL is not a superuser. The tests create databases and roles, end backends and set session_replication_role. As a superuser: ALTER ROLE <that role> SUPERUSER; or unset TEST_DATABASE_URL to use an embedded Postgres.";
}
