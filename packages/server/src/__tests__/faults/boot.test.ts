import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createTcpProxy,
  createTestDatabase,
  freePort,
  TEST_TIMEOUT_MS,
  useTestDatabase,
} from "@wharf/testkit";
import { migratePhases } from "../../db/phases.ts";
import { anEvent } from "../../ingest/__tests__/event-factory.ts";
import { postEvents, spawnServer, startServer, statusOf } from "./server-process.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const PASSWORD = "canary-s3cret";
const migrated = useTestDatabase({ migrate: migratePhases });

test("eight processes that boot on one empty database at once all serve it", async () => {
  const empty = await createTestDatabase();
  const servers = await Promise.all(
    Array.from({ length: 8 }, () => startServer({ DATABASE_URL: empty.url })),
  );
  try {
    const answers = await Promise.all(servers.map(({ url }) => postEvents(url, [anEvent()])));
    expect(answers.map((answer) => answer?.body.ingested)).toEqual(Array(8).fill(1));
    for (const { url } of servers) expect(await statusOf(url, "/health/ready")).toBe(200);
    const applied = await empty.sql`SELECT FROM _migrations`;
    const counts = servers.map(
      ({ program }) => /"count":(\d+).*"migrations applied"/.exec(program.stdout)?.[1],
    );
    expect(counts.reduce((sum, count = "0") => sum + Number(count), 0)).toBe(applied.length);
  } finally {
    for (const { program } of servers) program.kill("SIGTERM");
    await Promise.all(servers.map(({ program }) => program.exited));
    await empty.drop();
  }
});

describe("a server that cannot start prints the reason in one line and exits 1", () => {
  const wrong: [string, () => Record<string, string | undefined>, RegExp][] = [
    [
      "its Postgres is unavailable",
      () => ({ DATABASE_URL: `postgres://u:${PASSWORD}@127.0.0.1:1/x`, WHARF_DATABASE_WAIT_S: "0" }),
      /\(ECONNREFUSED\): is Postgres running .*\? Or unset DATABASE_URL to use the embedded Postgres\./,
    ],
    [
      "its password is wrong",
      () => ({ DATABASE_URL: withPassword(migrated.url) }),
      /password in DATABASE_URL/,
    ],
    ["its database does not exist", () => ({ DATABASE_URL: `${migrated.url}_not_there` }), /does not exist/],
    ["its connection string is none", () => ({ DATABASE_URL: `not a url ${PASSWORD}` }), /DATABASE_URL/],
    [
      "it is in production without a database",
      () => ({ NODE_ENV: "production", DATABASE_URL: undefined }),
      /DATABASE_URL environment variable is required/,
    ],
    [
      "it is on Railway without a database",
      () => ({ RAILWAY_ENVIRONMENT_NAME: "production" }),
      /DATABASE_URL environment variable is required/,
    ],
    ["its port is none", () => ({ DATABASE_URL: migrated.url, PORT: "eighty" }), /PORT/],
    [
      "its admin key is too short",
      () => ({ DATABASE_URL: migrated.url, WHARF_ADMIN_KEY: PASSWORD }),
      /WHARF_ADMIN_KEY must have at least 32/,
    ],
  ];

  test.each(wrong)("when %s", async (_, variables, reason) => {
    const program = spawnServer(variables());
    expect(await program.exited).toBe(1);
    expect(program.stderr).toMatch(reason);
    expect(program.stderr.trim().split("\n")).toHaveLength(1);
    expect(program.stderr).toStartWith("Wharf did not start: ");
    for (const output of [program.stderr, program.stdout]) {
      expect(output).not.toContain(PASSWORD);
      expect(output).not.toContain(new URL(migrated.url).password);
    }
  });

  test("when its port is in use, before it makes an embedded database", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wharf-port-"));
    const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const databases = [{ DATABASE_URL: migrated.url }, { WHARF_DATA_DIR: join(folder, "data") }];
    for (const database of databases) {
      const program = spawnServer({ ...database, PORT: `${taken.port}` });
      expect(await program.exited).toBe(1);
      expect(program.stderr).toContain(`Port ${taken.port} is in use. Stop the other program, or set PORT`);
      expect(program.stderr.trim().split("\n")).toHaveLength(1);
    }
    taken.stop(true);
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

describe("a server whose database comes later", () => {
  test("waits for it with a line in the log, lives, is not ready, and then serves", async () => {
    const { hostname, port } = new URL(migrated.url);
    const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
    proxy.refuse();
    const here = await freePort();
    const program = spawnServer({ DATABASE_URL: proxy.url(migrated.url), PORT: `${here}` });
    await program.waitForOutput(/"waited_ms":\d+,"reason":"no connection to the database \([A-Z_]+\)"/);
    const url = `http://127.0.0.1:${here}`;
    expect([await statusOf(url, "/health/live"), await statusOf(url, "/health/ready")]).toEqual([200, 503]);
    proxy.accept();
    await program.waitForOutput(/"msg":"ready"/);
    expect(program.stdout.match(/waiting for the database/g)).toHaveLength(1);
    expect(await statusOf(url, "/health/ready")).toBe(200);
    program.kill("SIGTERM");
    expect(await program.exited).toBe(0);
    await proxy.close();
  });

  test("waits for a host name that does not resolve yet, and fails at its deadline with the reason", async () => {
    const program = spawnServer({
      DATABASE_URL: `postgres://u:${PASSWORD}@no-such-host.invalid/x`,
      WHARF_DATABASE_WAIT_S: "1",
    });
    expect(await program.exited).toBe(1);
    expect(program.stderr).toMatch(
      /^Wharf did not start: The database is unavailable after 1 s \(WHARF_DATABASE_WAIT_S\): the host name in DATABASE_URL cannot be resolved \((ENOTFOUND|EAI_AGAIN)\)\..*\n$/,
    );
    expect(program.stdout + program.stderr).not.toContain(PASSWORD);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`ends its wait at once by ${signal}, with exit code 0`, async () => {
      const program = spawnServer({ DATABASE_URL: "postgres://u@127.0.0.1:1/x" });
      await program.waitForOutput(/waiting for the database/);
      const startedAt = performance.now();
      program.kill(signal);
      expect(await program.exited).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      expect(program.stderr).toBe("");
    });
  }

  test("does not wait after an error that time does not resolve", async () => {
    for (const url of [withPassword(migrated.url), `${migrated.url}_not_there`]) {
      const program = spawnServer({ DATABASE_URL: url });
      expect(await program.exited).toBe(1);
      expect(program.stderr).toContain("(STORAGE_REFUSED)");
      expect(program.stdout).not.toContain("waiting for the database");
    }
  });
});

function withPassword(url: string): string {
  const changed = new URL(url);
  changed.password = PASSWORD;
  return changed.href;
}
