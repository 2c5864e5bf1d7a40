import { beforeEach, describe, expect, test } from "bun:test";
import { clearRows, useTestDatabase } from "@wharf/testkit";
import { migrateJobs } from "../stores/postgres/migrate-jobs.ts";
import { createPostgresDriver } from "../stores/postgres/postgres.ts";
import { databaseCases } from "./runbook/database-cases.ts";
import { jobCases } from "./runbook/job-cases.ts";
import { type Cases, fillIn, readStatements, type Situation } from "./runbook/page.ts";
import { queueCases } from "./runbook/queue-cases.ts";

const CASES: Cases = { ...jobCases, ...queueCases, ...databaseCases };
const statements = await readStatements();
const database = useTestDatabase({ migrate: migrateJobs });

beforeEach(() => clearRows(database.sql));

function situationOf(statement: string): Situation {
  const { sql, url } = database;
  return {
    sql,
    url,
    driver: createPostgresDriver({ sql }),
    run: (variables = {}) => sql.unsafe(fillIn(statement, variables)),
    text: (variables = {}) => fillIn(statement, variables),
  };
}

describe("the runbook's SQL", () => {
  for (const [name, [sentence, check]] of Object.entries(CASES)) {
    test(`"${name}" ${sentence}`, () => check(situationOf(statements.get(name) ?? "")));
  }

  test("is completely tested, and every case is on the page", () => {
    expect(Object.keys(CASES).sort()).toEqual([...statements.keys()].sort());
  });

  test("replaces variables like psql, and rejects missing and unknown ones", () => {
    expect(fillIn(`SELECT :a::int, :'b', :"c"`, { a: "1", b: "it's", c: `"` })).toBe(
      `SELECT 1::int, 'it''s', """"`,
    );
    expect(() => fillIn("SELECT :id", {})).toThrow("needs the variable id");
    expect(() => fillIn("SELECT 1", { id: "1" })).toThrow("has no variable id");
  });
});
