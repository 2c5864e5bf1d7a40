import { afterAll, afterEach, beforeAll } from "bun:test";
import { clearRows, useTestDatabase } from "@wharf/testkit";
import pino from "pino";
import { type ComposeOptions, compose, type Server } from "../compose.ts";
import { readConfig } from "../config.ts";
import { migratePhases } from "../db/phases.ts";
import { createPoolerCheck } from "../db/pooler.ts";
import type { Sql } from "../db/postgres.ts";
import type { Limits } from "../limits.ts";

export type TestServer = {
  /** The parts; there only inside tests and hooks. */
  current(): Server;
  readonly sql: Sql;
  readonly url: string;
  key: string;
  /** Resolves when what was acknowledged is projected, for tests that read tables. */
  projected(): Promise<void>;
  /** A request with the admin key, without a port. `body`: text as it is, anything else as JSON. */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<TestResponse>;
};

// biome-ignore lint/suspicious/noExplicitAny: a test states the fields that it expects.
export type TestResponse = { status: number; body: any; headers: Headers };

export type SetupOptions = Pick<ComposeOptions, "time"> & {
  limits?: Partial<Limits>;
  logger?: pino.Logger;
  /** Settings, as the environment has them. */
  environment?: Record<string, string>;
  databaseFolder?: string;
  /** Null: the server has the keys of the table only. */
  adminKey?: null;
};

const KEY = `wharf_admin_${"k".repeat(43)}`;

/**
 * The whole server but for its port and its jobs, on a database of this file's own; all rows are cleared after each test.
 * Call it once at the top of a test file.
 */
export function setupApp(options: SetupOptions = {}): TestServer {
  const database = useTestDatabase({ migrate: migratePhases });
  let opened: Server | undefined;
  beforeAll(async () => {
    opened = await openApp(database.url, options);
  });
  afterEach(async () => {
    await opened?.ingest.drained();
    await opened?.ingest.caughtUp();
    await clearRows(database.sql);
    opened?.ingest.forget();
  });
  afterAll(async () => {
    await opened?.drain();
  });

  function current(): Server {
    if (opened) return opened;
    throw new Error("The app exists only inside tests and hooks.");
  }

  async function request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<TestResponse> {
    const response = await current().app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await textOf(response);
    const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  }

  return {
    current,
    request,
    projected: () => current().ingest.caughtUp(),
    key: KEY,
    get sql() {
      return database.sql;
    },
    get url() {
      return database.url;
    },
  };
}

/** A stream that does not end: only what it begins with. */
async function textOf(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== "text/event-stream") return await response.text();
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(first?.value);
}

/** Without a test's life cycle: a second one on the same database, as another process has it. */
export async function openApp(url: string, options: SetupOptions = {}): Promise<Server> {
  const {
    limits,
    environment,
    adminKey,
    databaseFolder,
    logger = pino({ level: "silent" }),
    time = {},
  } = options;
  const defaults = readConfig({ WHARF_ADMIN_KEY: KEY, WHARF_WORKER_MODE: "inspect", ...environment });
  // Each session is silent for long enough to be ended by a job.
  const config = { ...defaults, sessionIdleMs: 1, limits: { ...defaults.limits, ...limits } };
  // Tests of a pooler set WHARF_PGBOUNCER; the others need no probe.
  const findPooler = createPoolerCheck(url, config.isPooled ?? false);
  const location = { url, findPooler, problem: () => null };
  const server = await compose({
    config,
    location,
    adminKey: adminKey === null ? null : (config.adminKey ?? null),
    logger,
    time,
    ...(databaseFolder === undefined ? {} : { databaseFolder }),
  });
  server.readiness.set("ready");
  return server;
}
