import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
import { runCommand } from "../commands/__tests__/command.ts";
import { runMigrations } from "../db/migrator.ts";
import { migratePhases, migrationStatus } from "../db/phases.ts";
import { checkDbHealth, closeDb, createDb } from "../db/postgres.ts";
import { transaction } from "../db/transaction.ts";
import { WharfError } from "../errors.ts";
import { createLogger } from "../logger.ts";
import { ADMIN_KEY, startServerProgram } from "./server-program.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const CANARY = `canary${randomBytes(8).toString("hex")}`;
const ROLE = `wharf_canary_${randomBytes(6).toString("hex")}`;

// Before the database goes, which is the next such hook.
afterAll(async () => {
  await database.sql.unsafe(`DROP OWNED BY ${ROLE}; DROP ROLE ${ROLE};`);
});

const database = useTestDatabase({ migrate: migratePhases });

/** Connection strings that hold the canary as their password: a good one, and ways to be wrong. */
const CANARY_URLS: Record<string, () => string> = {
  good: () => canaryUrl({}),
  "a wrong password": () => canaryUrl({ password: `${CANARY}-wrong` }),
  "a wrong user": () => canaryUrl({ username: "wharf_nobody" }),
  "a wrong database": () => canaryUrl({ pathname: "/wharf_missing" }),
  "a refused connection": () => canaryUrl({ port: "1" }),
  "an unknown host": () => canaryUrl({ hostname: "wharf.invalid" }),
  "an invalid port": () => `postgres://${ROLE}:${CANARY}@localhost:99999/wharf`,
  "an invalid host": () => `postgres://${ROLE}:${CANARY}@[::1/wharf`,
  "another scheme": () => `mysql://${ROLE}:${CANARY}@localhost/wharf`,
};

function canaryUrl(change: Partial<URL>): string {
  return Object.assign(new URL(database.url), { username: ROLE, password: CANARY }, change).href;
}

beforeAll(async () => {
  await database.sql.unsafe(`
    CREATE ROLE ${ROLE} LOGIN PASSWORD '${CANARY}';
    GRANT ALL ON ALL TABLES IN SCHEMA public TO ${ROLE};
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${ROLE};
    GRANT ALL ON SCHEMA public TO ${ROLE};`);
});

/** Every way in which an error might be shown. */
function showError(error: unknown): string {
  const lines: string[] = [];
  const logger = createLogger("trace", false, { write: (line) => lines.push(line) });
  logger.error({ err: error });
  logger.error(error);
  logger.error({ reason: error }, "failed");
  return lines.join("");
}

/** Errors of Wharf, which a caller may show in full. */
function inspectOwnError(error: unknown): string {
  if (!(error instanceof WharfError)) return "";
  return `${Bun.inspect(error)} ${String(error)} ${JSON.stringify(error)} ${error.stack} ${String(error.cause)}`;
}

async function caught(action: () => unknown): Promise<unknown> {
  try {
    return await action();
  } catch (error) {
    return error;
  }
}

test("the canary is a real password: with it the database answers", async () => {
  const sql = createDb(canaryUrl({}));
  expect((await checkDbHealth(sql)).ok).toBe(true);
  await closeDb(sql);
});

describe("the password of DATABASE_URL is in no error, log line or result", () => {
  for (const [name, urlOf] of Object.entries(CANARY_URLS)) {
    test(`with ${name}`, async () => {
      const url = urlOf();
      const created = await caught(() => createDb(url));
      expect(inspectOwnError(created) + showError(created instanceof Error ? created : "")).not.toContain(
        CANARY,
      );
      if (created instanceof WharfError) return;
      const sql = createDb(url);
      const outcomes = [
        await caught(() => checkDbHealth(sql)),
        await caught(() => sql`SELECT 1`),
        await caught(() => sql`SELECT no_such_column`),
        await caught(() => migratePhases(sql)),
        await caught(() => migrationStatus(sql)),
        await caught(() => runMigrations(sql, import.meta.path)),
        await caught(() => transaction(sql, (connection) => connection.query`SELECT no_such_column`)),
      ];
      await closeDb(sql);
      const isFailure = outcomes.filter((outcome) => outcome instanceof Error);
      expect(isFailure.length).toBeGreaterThanOrEqual(3);
      for (const outcome of outcomes) {
        expect(showError(outcome) + inspectOwnError(outcome)).not.toContain(CANARY);
        expect(JSON.stringify(outcome)).not.toContain(CANARY);
      }
    });
  }
});

describe("the password of DATABASE_URL is in no output", () => {
  for (const command of ["health", "migrate"]) {
    test(`of bun run ${command}`, async () => {
      const urls = Object.entries(CANARY_URLS);
      const runs = await Promise.all(
        urls.map(async ([name, urlOf]) => ({ name, ...(await runCommand(urlOf(), command)) })),
      );
      for (const { name, code, stdout, stderr } of runs) {
        expect(stdout + stderr).not.toContain(CANARY);
        expect({ name, code }).toEqual({ name, code: name === "good" ? 0 : 1 });
        expect((stdout + stderr).trimEnd().split("\n")).toHaveLength(1);
      }
    });
  }

  test("of a server that does not start", async () => {
    const urls = Object.entries(CANARY_URLS).filter(([name]) => name !== "good");
    await Promise.all(
      urls.map(async ([, urlOf]) => {
        await using server = await startServerProgram(urlOf(), { WHARF_DATABASE_WAIT_S: "0" });
        expect(await server.program.exited).toBe(1);
        const { stdout, stderr } = server.program;
        expect(stdout + stderr).not.toContain(CANARY);
        expect(stderr).toStartWith("Wharf did not start: ");
        expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      }),
    );
  });

  test("of a server that serves, nor in any of its answers, also once its database refuses it", async () => {
    await using server = await startServerProgram(canaryUrl({}));
    const url = await server.url();
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" };
    const ask = async () => {
      const paths = ["/health/live", "/health/ready", "/api/health", "/api/sessions", "/metrics"];
      const posts = ["/api/events", "/api/sessions"].map((path) =>
        fetch(url + path, { method: "POST", headers, body: "{}" }),
      );
      const answers = await Promise.all([...paths.map((path) => fetch(url + path, { headers })), ...posts]);
      return (await Promise.all(answers.map((answer) => answer.text()))).join("\n");
    };
    const before = await ask();
    await database.sql.unsafe(`ALTER ROLE ${ROLE} NOLOGIN`);
    await database.sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${ROLE}`;
    const after = await ask();
    await database.sql.unsafe(`ALTER ROLE ${ROLE} LOGIN`);
    server.program.kill("SIGTERM");
    await server.program.exited;
    expect(before + after + server.program.stdout + server.program.stderr).not.toContain(CANARY);
    expect(after).not.toBe(before);
  });
});
