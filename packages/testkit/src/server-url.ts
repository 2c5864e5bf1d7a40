import { type PostgresProcess, startPostgresProcess } from "./postgres-process.ts";

let started: Promise<PostgresProcess> | undefined;

/** The Postgres that tests use: TEST_DATABASE_URL, else one started for this run when first asked for. */
export async function testServerUrl(): Promise<string> {
  const given = process.env["TEST_DATABASE_URL"];
  if (given) return given;
  started ??= startPostgresProcess();
  const { url } = await started;
  process.env["TEST_DATABASE_URL"] = url;
  return url;
}
