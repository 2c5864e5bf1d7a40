import { describe, expect, test } from "bun:test";
import { useTestDatabase } from "@wharf/testkit";
import { StorageError } from "../errors.ts";
import { createLogger, serializeError } from "../logger.ts";

const CANARY = "canary-password";
const database = useTestDatabase({
  migrate: (sql) => sql`CREATE TABLE keys (value TEXT UNIQUE CHECK (value <> 'canary-password-checked'))`,
});

/** A logger, and the lines that it has written. */
function createRecordedLogger(level = "info") {
  const lines: string[] = [];
  const logger = createLogger(level, false, { write: (line) => lines.push(line) });
  return { logger, lines };
}

function connectionError(): Error {
  return Object.assign(new TypeError(`Invalid URL postgres://wharf:${CANARY}@localhost/wharf`), {
    code: "ERR_INVALID_URL",
    input: `postgres://wharf:${CANARY}@localhost/wharf`,
  });
}

/** Errors that the driver throws for statements with a secret in them. */
async function driverErrors(): Promise<unknown[]> {
  const { sql } = database;
  const failures = [
    sql`SELECT ${CANARY}::integer`,
    sql`INSERT INTO keys VALUES (${CANARY}), (${CANARY})`,
    sql`INSERT INTO keys VALUES (${`${CANARY}-checked`})`,
    sql`SELECT * FROM missing WHERE value = ${CANARY}`,
    sql.unsafe(`SELECT '${CANARY}'::jsonb`),
  ];
  const results = await Promise.allSettled(failures);
  return results.map((result) => (result.status === "rejected" ? result.reason : undefined));
}

describe("a logged error shows no secret", () => {
  test("of a connection string, under any key", () => {
    const { logger, lines } = createRecordedLogger();
    const error = connectionError();
    logger.error(error);
    logger.error(error, "with a message");
    logger.error({ err: error });
    logger.error({ err: error }, "with a message");
    logger.error({ error, reason: error }, "with a message");
    logger.child({ part: "child" }).error({ cause: error });
    expect(lines).toHaveLength(6);
    expect(lines.join("")).not.toContain(CANARY);
    expect(lines.join("")).toContain("ERR_INVALID_URL");
  });

  test("of a statement's parameters, of a row's values, of its details", async () => {
    const { logger, lines } = createRecordedLogger();
    const errors = await driverErrors();
    for (const error of errors) {
      expect(error).toBeInstanceOf(Error);
      logger.error({ err: error });
      logger.error(error);
    }
    expect(lines).toHaveLength(2 * errors.length);
    expect(lines.join("")).not.toContain(CANARY);
    expect(lines.join("")).toContain("22P02");
  });

  test("of an address within the text of an error that is not ours", () => {
    const error = new Error(`fetch of https://wharf:${CANARY}@example.com/path failed`);
    expect(serializeError(error)).toMatchObject({ type: "Error", message: "fetch of [url] failed" });
  });

  test("of a thing that was thrown and is no error", () => {
    expect(JSON.stringify(serializeError(`postgres://wharf:${CANARY}@localhost`))).not.toContain(CANARY);
    expect(JSON.stringify(serializeError({ password: CANARY }))).not.toContain(CANARY);
  });
});

describe("a logged error shows what is needed", () => {
  test("its code, its message and where it was thrown", () => {
    const { logger, lines } = createRecordedLogger();
    logger.error({ err: new StorageError("The disk is full.", "STORAGE_FULL") }, "flush failed");
    const line = JSON.parse(lines[0] ?? "");
    expect(line).toMatchObject({
      msg: "flush failed",
      err: { type: "StorageError", code: "STORAGE_FULL", message: "The disk is full." },
    });
    expect(line.err.stack).toContain("logger.test.ts");
  });
});

describe("a log line", () => {
  test("is one JSON object with a time that people read, without host and process id", () => {
    const { logger, lines } = createRecordedLogger();
    logger.info({ port: 4318 }, "ready");
    const line = JSON.parse(lines[0] ?? "");
    expect(line).toEqual({ level: 30, time: expect.any(String), port: 4318, msg: "ready" });
    expect(new Date(line.time).toISOString()).toBe(line.time);
  });

  test("keeps fields without a message as they are", () => {
    const { logger, lines } = createRecordedLogger();
    logger.info({ applied: ["001_initial.sql"] });
    expect(JSON.parse(lines[0] ?? "")).not.toHaveProperty("msg");
  });

  test("is left out below the level", () => {
    const { logger, lines } = createRecordedLogger("warn");
    logger.info("not shown");
    logger.warn("shown");
    expect(lines).toHaveLength(1);
  });
});
