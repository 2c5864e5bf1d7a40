import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, TEST_TIMEOUT_MS, useTestDatabase } from "@wharf/testkit";
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
    const applied = await empty.sql<{ name: string }[]>`SELECT name FROM _migrations`;
    expect(new Set(applied.map(({ name }) => name)).size).toBe(applied.length);
    const appliers = servers.filter(({ program }) => program.stdout.includes("migrations applied"));
    expect(appliers.length).toBeGreaterThan(0);
  } finally {
    for (const { program } of servers) program.kill("SIGTERM");
    await Promise.all(servers.map(({ program }) => program.exited));
    await empty.drop();
  }
});

describe("a server that cannot start says why in one line and exits 1", () => {
  const wrong: [string, () => Record<string, string | undefined>, RegExp][] = [
    [
      "its Postgres is away",
      () => ({ DATABASE_URL: `postgres://u:${PASSWORD}@127.0.0.1:1/x` }),
      /ECONNREFUSED|connection refused/,
    ],
    ["its password is wrong", () => ({ DATABASE_URL: withPassword(migrated.url) }), /did not start/],
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
      expect(program.stderr).toContain(`Port ${taken.port} is in use: stop what listens there, or set PORT`);
      expect(program.stderr.trim().split("\n")).toHaveLength(1);
    }
    taken.stop(true);
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

function withPassword(url: string): string {
  const changed = new URL(url);
  changed.password = PASSWORD;
  return changed.href;
}
