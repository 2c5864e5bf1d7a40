import { describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnProgram } from "@wharf/testkit";
import { readConfig } from "../config.ts";
import { locateDatabase } from "../db/embedded.ts";
import { ConfigError, StorageError } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";

describe("readConfig", () => {
  test("has a value for everything when nothing is set", () => {
    expect(readConfig({})).toEqual({
      databaseUrl: undefined,
      databaseDirectUrl: undefined,
      useAdvisoryLocks: false,
      port: 4318,
      host: "::",
      adminKey: undefined,
      dataDir: ".wharf",
      blobUrl: undefined,
      logLevel: "info",
      sessionIdleMs: 10_800_000,
      role: "all",
      workerMode: "run",
      isProduction: false,
      corsOrigins: [],
      trustedProxies: 0,
      limits: DEFAULT_LIMITS,
    });
  });

  test("takes an empty variable as one that is not set", () => {
    const config = readConfig({
      DATABASE_URL: "",
      DATABASE_DIRECT_URL: "",
      WHARF_ADMIN_KEY: "",
      BLOB_URL: "",
      WHARF_CORS_ORIGINS: "",
      WHARF_TRUSTED_PROXIES: "",
      WHARF_LIMIT_BODY_BYTES: "",
    });
    expect(config).toEqual(readConfig({}));
  });

  test("knows production by NODE_ENV, and by what Railway sets", () => {
    expect(readConfig({ NODE_ENV: "production" }).isProduction).toBe(true);
    expect(readConfig({ RAILWAY_ENVIRONMENT_NAME: "staging" }).isProduction).toBe(true);
    expect(readConfig({ NODE_ENV: "test" }).isProduction).toBe(false);
  });

  test("names every variable that is wrong, and shows none of the values", () => {
    const environment = { PORT: "canary-port", LOG_LEVEL: "canary-level", WHARF_ADMIN_KEY: "canary-key" };
    const error = thrownBy(() => readConfig(environment));
    expect(error).toBeInstanceOf(ConfigError);
    const text = Bun.inspect(error);
    for (const name of Object.keys(environment)) expect(text).toContain(name);
    for (const value of Object.values(environment)) expect(text).not.toContain(value);
  });

  const wrong = [
    { PORT: "-1" },
    { PORT: "65536" },
    { PORT: "80.5" },
    { WHARF_ROLE: "everything" },
    { WHARF_ADMIN_KEY: "x".repeat(31) },
    { HOST: "" },
  ];
  for (const environment of wrong) {
    test(`refuses ${JSON.stringify(environment)}`, () => {
      expect(() => readConfig(environment)).toThrow(ConfigError);
    });
  }
});

describe("locateDatabase", () => {
  test("takes DATABASE_URL, also in production, and starts nothing", async () => {
    const config = readConfig({ NODE_ENV: "production", DATABASE_URL: "postgres://somewhere/wharf" });
    expect(await locateDatabase(config, "/nowhere", "server")).toMatchObject({
      url: "postgres://somewhere/wharf",
      embedded: null,
    });
  });

  for (const environment of [{ NODE_ENV: "production" }, { RAILWAY_ENVIRONMENT_NAME: "production" }]) {
    test(`starts no database of its own with ${JSON.stringify(environment)}: it is an error`, async () => {
      const missing = locateDatabase(readConfig(environment), "/nowhere", "server");
      await expect(missing).rejects.toBeInstanceOf(StorageError);
      await expect(missing).rejects.toMatchObject({
        code: "STORAGE_DB_URL_MISSING",
        message: "DATABASE_URL environment variable is required.",
      });
    });
  }
});

describe("a file of variables", () => {
  test("sets what the environment does not, and never what it does", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wharf-config-"));
    const file = join(folder, "variables");
    await writeFile(file, "PORT=1111\nHOST=from-file\nWHARF_ROLE='worker' # a comment\n");
    const environment = { PATH: process.env["PATH"], PORT: "2222" };
    const { port, host, role } = await loadConfigIn(folder, file, environment);
    expect({ port, host, role }).toEqual({ port: 2222, host: "from-file", role: "worker" });
    await rm(folder, { recursive: true });
  });

  test("may be missing", async () => {
    expect(await loadConfigIn(tmpdir(), "/nowhere/variables", { PORT: "2222" })).toMatchObject({
      port: 2222,
    });
  });
});

/** What a process with this environment alone reads. */
async function loadConfigIn(cwd: string, file: string, env: Record<string, string | undefined>) {
  const module = JSON.stringify(join(import.meta.dir, "..", "environment.ts"));
  const code = `import { loadConfig } from ${module};
    process.stdout.write(JSON.stringify(loadConfig(${JSON.stringify(file)})));`;
  const program = spawnProgram({ command: [process.execPath, "-e", code], cwd, env });
  expect(await program.exited, program.stderr).toBe(0);
  return JSON.parse(program.stdout);
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown.");
}
