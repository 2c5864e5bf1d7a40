import { describe, expect, test } from "bun:test";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnProgram } from "@wharf/testkit";
import { readConfig, SETTINGS } from "../config.ts";
import { locateDatabase } from "../db/embedded.ts";
import { ConfigError, StorageError } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";

describe("readConfig", () => {
  test("has a value for everything when nothing is set", () => {
    expect(readConfig({})).toEqual({
      databaseUrl: undefined,
      databaseDirectUrl: undefined,
      readDatabaseUrl: undefined,
      isPooled: undefined,
      databaseConnections: 24,
      databaseWaitMs: 60_000,
      useAdvisoryLocks: false,
      port: 4318,
      host: "::",
      adminKey: undefined,
      dataDir: ".wharf",
      blobs: { kind: "postgres" },
      logLevel: "info",
      sessionIdleMs: 10_800_000,
      role: "all",
      summaryEndpoint: null,
      commandJobs: null,
      workerMode: "run",
      isDevelopment: false,
      isProduction: false,
      corsOrigins: [],
      trustedProxies: 0,
      limits: DEFAULT_LIMITS,
    });
  });

  test("reads the endpoint of summaries, and names the model that is missing", () => {
    const url = "https://api.example.com/v1/messages";
    const set = { WHARF_SUMMARY_URL: url, WHARF_SUMMARY_MODEL: "small", WHARF_SUMMARY_API_KEY: "secret\n" };
    expect(readConfig(set).summaryEndpoint).toEqual({ url, model: "small", apiKey: "secret" });
    expect(() => readConfig({ WHARF_SUMMARY_URL: url })).toThrow("WHARF_SUMMARY_MODEL must be set");
    expect(() => readConfig({ ...set, WHARF_SUMMARY_URL: "file:///etc/passwd" })).toThrow(
      "WHARF_SUMMARY_URL must be",
    );
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

  for (const blank of ["", " ", "\t"]) {
    test(`takes every setting of ${JSON.stringify(blank)} as one that is not set`, () => {
      const environment = Object.fromEntries([...SETTINGS, "PATH"].map((name) => [name, blank]));
      expect(readConfig(environment)).toEqual(readConfig({}));
    });
  }

  for (const word of ["1", "true", "TRUE", "yes", "Yes", "on", "ON"]) {
    test(`switches on by ${word}`, () => {
      const { useAdvisoryLocks, commandJobs } = readConfig({
        USE_ADVISORY_LOCKS: word,
        WHARF_COMMAND_JOBS: word,
      });
      expect([useAdvisoryLocks, commandJobs !== null]).toEqual([true, true]);
    });
  }

  for (const word of ["0", "false", "FALSE", "no", "off", "Off"]) {
    test(`switches off by ${word}`, () => {
      expect(readConfig({ USE_ADVISORY_LOCKS: word }).useAdvisoryLocks).toBe(false);
    });
  }

  test("takes the words of a setting in any case", () => {
    const config = readConfig({ LOG_LEVEL: "INFO", WHARF_ROLE: "Worker", WHARF_WORKER_MODE: "INSPECT" });
    expect(config).toMatchObject({ logLevel: "info", role: "worker", workerMode: "inspect" });
  });

  const ADMIN_KEY = "0123456789-abcdefghij-0123456789-abcdef";

  test.each([`${ADMIN_KEY}\n`, ` ${ADMIN_KEY}`, `${ADMIN_KEY}\r\n`, `"${ADMIN_KEY}"`, `'${ADMIN_KEY}'\n`])(
    "takes white space and quotes around the admin key off: %p",
    (text) => {
      expect(readConfig({ WHARF_ADMIN_KEY: text }).adminKey).toBe(ADMIN_KEY);
    },
  );

  test.each([
    "four words and some more words here",
    `${ADMIN_KEY}\nsecond line`,
    `${ADMIN_KEY}\ttab`,
    "schlüssel-schlüssel-schlüssel-schlüssel",
    `${ADMIN_KEY}\u0000`,
    `${ADMIN_KEY}\u200B`,
    `"${"x".repeat(31)}"`,
  ])("refuses an admin key that a header cannot carry, without repeating it: %p", (text) => {
    const read = () => readConfig({ WHARF_ADMIN_KEY: text });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/WHARF_ADMIN_KEY must/);
    expect(read).not.toThrow(text.slice(0, 10));
  });

  test("knows production by NODE_ENV, and by what Railway sets", () => {
    expect(readConfig({ NODE_ENV: "production" }).isProduction).toBe(true);
    expect(readConfig({ RAILWAY_ENVIRONMENT_NAME: "staging" }).isProduction).toBe(true);
    expect(readConfig({ NODE_ENV: "test" }).isProduction).toBe(false);
  });

  test("runs no commands unless told to, and then in a folder that belongs to no project", () => {
    expect(readConfig({ WHARF_COMMAND_JOBS: "0", WHARF_COMMAND_DIR: "/somewhere" }).commandJobs).toBeNull();
    const environment = { WHARF_COMMAND_JOBS: "1", PATH: "/opt/bin" };
    expect(readConfig(environment).commandJobs).toEqual({
      allowUnbounded: false,
      folder: join(tmpdir(), `wharf-commands-${process.getuid?.()}`),
      path: "/opt/bin",
    });
    const folder = readConfig({ ...environment, WHARF_COMMAND_DIR: "/somewhere" }).commandJobs?.folder;
    expect(folder).toBe("/somewhere");
  });

  test("takes BLOB_URL for a folder, and refuses a store that is not there yet", () => {
    expect(readConfig({ BLOB_URL: "file:///blobs" }).blobs).toEqual({ kind: "directory", path: "/blobs" });
    expect(() => readConfig({ BLOB_URL: "s3://bucket" })).toThrow(ConfigError);
  });

  test("names every variable that is wrong, and shows none of the values", () => {
    const environment = { PORT: "canary-port", LOG_LEVEL: "canary-level", WHARF_ADMIN_KEY: "canary-key" };
    const error = thrownBy(() => readConfig(environment));
    expect(error).toBeInstanceOf(ConfigError);
    const text = Bun.inspect(error);
    for (const name of Object.keys(environment)) expect(text).toContain(name);
    for (const value of Object.values(environment)) expect(text).not.toContain(value);
  });

  test("names the minimum of connections when a setting is below it", () => {
    expect(() => readConfig({ WHARF_DB_CONNECTIONS: "5" })).toThrow(
      "WHARF_DB_CONNECTIONS must be a whole number from 6 to 500",
    );
    expect(readConfig({ WHARF_DB_CONNECTIONS: "6" }).databaseConnections).toBe(6);
  });

  const wrong = [
    { PORT: "-1" },
    { PORT: "65536" },
    { PORT: "80.5" },
    { WHARF_ROLE: "everything" },
    { WHARF_ADMIN_KEY: "x".repeat(31) },
    { USE_ADVISORY_LOCKS: "enabled" },
    { WHARF_COMMAND_JOBS: "2" },
    { WHARF_TRUSTED_PROXIES: "11" },
    { WHARF_DB_CONNECTIONS: "5" },
    { WHARF_DB_CONNECTIONS: "many" },
  ];
  for (const environment of wrong) {
    test(`refuses ${JSON.stringify(environment)}`, () => {
      expect(() => readConfig(environment)).toThrow(ConfigError);
    });
  }
});

describe(".env.example", () => {
  test("explains every setting, and none that is no setting", async () => {
    const page = await Bun.file(join(import.meta.dir, "../../../../.env.example")).text();
    const named = [...page.matchAll(/^#? ?([A-Z][A-Z_]+)=/gm)].map(([, name = ""]) => name);
    const others = ["TEST_DATABASE_URL", "WHARF_LIMIT_KEY_REQUESTS_PER_S"];
    expect(named.sort()).toEqual([...SETTINGS, ...others].sort());
  });

  test("shows for each setting with a default that default, and values that can be read", async () => {
    const page = await Bun.file(join(import.meta.dir, "../../../../.env.example")).text();
    const lines = [...page.matchAll(/^# ([A-Z][A-Z_]+)=(.+)$/gm)].map(([, name = "", value]) => [
      name,
      value,
    ]);
    const shown: Record<string, string> = Object.fromEntries(lines);
    const { WHARF_CORS_ORIGINS, WHARF_LIMIT_KEY_REQUESTS_PER_S, NODE_ENV, ...defaults } = shown;
    expect(readConfig(defaults)).toEqual(readConfig({}));
    expect(() => readConfig({ ...shown, DATABASE_URL: "postgres://somewhere/wharf" })).not.toThrow();
    expect([WHARF_CORS_ORIGINS, WHARF_LIMIT_KEY_REQUESTS_PER_S, NODE_ENV]).not.toContain(undefined);
  });
});

describe("locateDatabase", () => {
  test("names a data folder that cannot be created, and what to do", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wharf-config-"));
    await writeFile(join(folder, "file"), "");
    for (const dataDir of [join(folder, "file"), join(folder, "file", "data")]) {
      const missing = locateDatabase(readConfig({}), dataDir, "server");
      await expect(missing).rejects.toBeInstanceOf(ConfigError);
      await expect(missing).rejects.toThrow(
        new RegExp(`${dataDir} cannot be created \\(E[A-Z]+\\): set WHARF_DATA_DIR`),
      );
    }
    await mkdir(join(folder, "data", "in-use.lock"), { recursive: true });
    await expect(locateDatabase(readConfig({}), join(folder, "data"), "server")).rejects.toThrow(
      /data cannot be written to \(SQLITE_[A-Z]+\): set WHARF_DATA_DIR/,
    );
    await rm(folder, { recursive: true });
  });

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
        message: expect.stringMatching(
          /^DATABASE_URL environment variable is required\. In production .* set DATABASE_URL=postgres:\/\/USER/,
        ),
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

  test("keeps every $ of a value, and is the only file that is read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wharf-config-"));
    const root = join(import.meta.dir, "../../../..");
    await cp(join(root, "bunfig.toml"), join(folder, "bunfig.toml"));
    await cp(join(root, "packages/testkit/src/preload.ts"), join(folder, "packages/testkit/src/preload.ts"));
    const key = "a$b$cd-$HOME-0123456789-0123456789-0123456789";
    await writeFile(join(folder, ".env.local"), "PORT=5999\nHOME=/somewhere\n");
    for (const quote of ["", "'"]) {
      await writeFile(join(folder, ".env"), `WHARF_ADMIN_KEY=${quote}${key}${quote}\n`);
      const { adminKey, port } = await loadConfigIn(folder, join(folder, ".env"), {});
      expect({ adminKey, port }).toEqual({ adminKey: key, port: 4318 });
    }
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
