import { beforeEach, describe } from "bun:test";
import { clearRows, useTestDatabase } from "@wharf/testkit";
import { describeDriverContract } from "../../conformance/index.ts";
import type { Driver } from "../../contract/driver.ts";
import { migrateJobs } from "../postgres/migrate-jobs.ts";
import { createPostgresDriver } from "../postgres/postgres.ts";

for (const useAdvisoryLocks of [false, true]) {
  describe(useAdvisoryLocks ? "advisory claim" : "row-lock claim", () => {
    const database = useTestDatabase({ migrate: migrateJobs });
    let driver: Driver;
    beforeEach(async () => {
      await clearRows(database.sql);
      driver = createPostgresDriver({ sql: database.sql, useAdvisoryLocks });
    });

    describeDriverContract(useAdvisoryLocks ? "Postgres with advisory locks" : "Postgres", () => driver);
  });
}
