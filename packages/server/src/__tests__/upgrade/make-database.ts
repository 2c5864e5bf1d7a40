import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Program, spawnProgram, until } from "@wharf/testkit";
import postgres from "postgres";
import { startOwnPostgres } from "../faults/own-postgres.ts";
import { environment, readUrl } from "../faults/server-process.ts";
import { holdRounds, refuseRelations } from "./hinder.ts";
import { BACKFILLS, BOUND_DEVICE, KEYS, PATCHES, REPORTS } from "./scenario-api.ts";
import {
  DELETED,
  HALF_DELETED,
  leftForRetry,
  leftPending,
  numbered,
  SILENT,
  SITE,
  sentEvents,
} from "./scenario-events.ts";
import { oddEvents } from "./scenario-odd.ts";
import { createSender, type Sender } from "./sender.ts";

/**
 * A program: fills a database by the code of another checkout, as devices and people would, kills its processes in the middle of
 * their work and backs the database up. How the fixture of upgrade.test.ts was made, from commit 0031be9:
 *
 *   git worktree add /tmp/before 0031be9 && (cd /tmp/before && bun install --frozen-lockfile)
 *   bun packages/server/src/__tests__/upgrade/make-database.ts /tmp/before packages/server/src/__tests__/upgrade/before.backup
 *
 * Ids and times of events are the same each time; what the database's clock says is not.
 */
const [checkout = "", file = ""] = process.argv.slice(2);
const BATCH_EVENTS = 50;
const server = await mkdtemp(join(tmpdir(), "wharf-upgrade-"));
const database = await startOwnPostgres();
const sql = postgres(database.url, { max: 4, onnotice: () => {} });
const programs: Program[] = [];
try {
  await fill();
  await run(["packages/server/src/commands/backup.ts", file], /Backed up/);
} finally {
  for (const program of programs) program.kill("SIGKILL");
  await sql.end({ timeout: 1 });
  await database.remove();
  await rm(server, { recursive: true, force: true });
}

async function fill(): Promise<void> {
  const first = await startServer();
  const sender = createSender(await readUrl(first));
  await sendEvents(sender);
  await sendReports(sender);
  await administer(sender);
  await endSilentSession();
  await run(["packages/server/src/__tests__/upgrade/leave-jobs.ts"], /held/);
  await deleteSessions(sender);
  await leaveWork(sender);
  for (const program of programs) program.kill("SIGKILL");
  await Promise.all(programs.map(({ exited }) => exited));
}

async function startServer(): Promise<Program> {
  const program = spawn(["packages/server/src/main.ts"]);
  await program.waitForOutput(/"msg":"ready"/);
  return program;
}

function spawn([script = "", ...rest]: readonly string[]): Program {
  // The jobs are left by a program of this checkout, with the engine of the other one.
  const path = script.endsWith("leave-jobs.ts")
    ? join(import.meta.dir, "leave-jobs.ts")
    : join(checkout, script);
  const options = script.endsWith("leave-jobs.ts") ? [checkout, database.url] : rest;
  const program = spawnProgram({
    command: [process.execPath, path, ...options],
    cwd: process.cwd(),
    env: environment({
      DATABASE_URL: database.url,
      WHARF_DATA_DIR: server,
      WHARF_COMMAND_JOBS: "1",
      WHARF_COMMAND_UNBOUNDED: "1",
      WHARF_COMMAND_DIR: join(server, "commands"),
      WHARF_SESSION_IDLE_MINUTES: "1000000",
    }),
  });
  programs.push(program);
  return program;
}

/** Starts a program and waits until it reports that its work is done. */
async function run(command: readonly string[], done: RegExp): Promise<void> {
  await spawn(command).waitForOutput(done);
}

async function sendEvents(sender: Sender): Promise<void> {
  const events = numbered(sentEvents(), 1);
  for (let from = 0; from < events.length; from += BATCH_EVENTS)
    await sender.events(events.slice(from, from + BATCH_EVENTS));
  await sender.post("/api/events", { events: oddEvents(events[0]) });
}

async function sendReports(sender: Sender): Promise<void> {
  for (const report of REPORTS) await sender.post("/api/sessions", report);
  for (const report of BACKFILLS) await sender.post("/api/backfill/sessions", report);
  for (const { id, patch } of PATCHES) await sender.send("PATCH", `/api/sessions/${id}`, patch);
}

async function administer(sender: Sender): Promise<void> {
  for (const [name, key] of Object.entries(KEYS)) {
    const scope = key.split("_")[1];
    const bound = name === "bound" ? { device_id: BOUND_DEVICE } : {};
    const { id } = await sender.post("/api/keys", { scope, name, ...bound });
    if (name === "revoked") await sender.send("DELETE", `/api/keys/${id}`);
    await sql`UPDATE api_keys SET hash = sha256(${key}::text::bytea), last4 = right(${key}, 4) WHERE id = ${id}`;
  }
  const { id } = await sender.post("/api/keys", { scope: "read", name: "rotated" });
  await sender.post(`/api/keys/${id}/rotate`, {});
  const { code } = await sender.post("/api/devices/enrolment-codes", {});
  await sender.post("/api/devices/enrol", {
    code,
    name: "Enrolled",
    type: "local",
    hostname: "e1",
    os: "linux",
  });
  await sender.post("/api/devices/enrolment-codes", {});
  const { workspace } = await sender.send("GET", `/api/workspaces/${encodeURIComponent(SITE)}`);
  const env = { workspace_id: workspace.id, instance_type: "large", region: "us", blueprint: {} };
  await sender.post("/api/remote-envs", { ...env, instance_id: "i-api" });
  await sender.post("/api/blueprints", { name: "large machine", config: { memory_gb: 64 } });
  await sender.post("/api/prompts/dismiss", {
    workspace_id: workspace.id,
    device_id: "desk",
    action: "declined",
  });
  await sender.send("PATCH", "/api/devices/tower", { name: "The tower" });
  const { job } = await sender.post("/api/jobs", { type: "command", input: { command: ["echo", "kept"] } });
  await until(async () => (await sender.send("GET", `/api/jobs/${job.id}`)).job.state === "completed");
}

/** As the job does after a long silence. */
async function endSilentSession(): Promise<void> {
  await sql`UPDATE sessions SET last_heard_at = now() - interval '3 years' WHERE id = ${SILENT}`;
  await sql`INSERT INTO jobs (queue, type, payload) VALUES ('recurring', 'end-idle-sessions', '{"due_ms": 0}')`;
  await until(
    async () => (await sql`SELECT FROM sessions WHERE id = ${SILENT} AND ended_by_server`).length > 0,
  );
}

async function deleteSessions(sender: Sender): Promise<void> {
  await sender.send("DELETE", `/api/sessions/${DELETED}`);
  const reserved = await sql.reserve();
  await reserved`BEGIN`;
  await reserved`SELECT FROM events WHERE session_id = ${HALF_DELETED} FOR UPDATE`;
  // Answered with the job that continues, which waits for the lock until the process is killed.
  await sender.send("DELETE", `/api/sessions/${HALF_DELETED}`);
}

/** Leaves events in both queues: those of rounds that could not end, and those that a table refused. */
async function leaveWork(sender: Sender): Promise<void> {
  const retries = numbered(leftForRetry(), 8_000);
  const allow = await refuseRelations(sql, "failed-at-first");
  for (const event of retries) await sender.events([event]);
  await until(async () => (await sql`SELECT FROM projection_retries`).length >= retries.length, {
    describe: "all refused events to be noted for a retry",
  });
  await allow();
  await holdRounds(sql);
  await sender.events(numbered(leftPending(), 9_000));
}
