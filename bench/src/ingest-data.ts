import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { type Checkout, serverProgram } from "./checkout.ts";
import {
  type BenchEvent,
  canonicalId,
  createEvents,
  createRandom,
  DEVICES,
  deviceId,
  deviceOfSession,
  SESSIONS,
  sessionId,
  WORKSPACES,
  workspaceOfSession,
  workspaceUlid,
} from "./events.ts";
import { type BenchPostgres, databaseUrl } from "./postgres.ts";
import { sized } from "./scale.ts";
import { startServer } from "./server.ts";

export const COPY_ROWS_PER_CONNECTION = sized(75_000, 500);
export const BATCH_EVENTS = sized(100_000, 1_000);
export const SINGLE_EVENTS = sized(40_000, 300);
export const NAIVE_EVENTS = sized(15_000, 300);
/**
 * Sent first and not measured, to the product and to its peer: a server that runs for weeks has its code compiled, and of the
 * first 40,000 requests each costs twice what it costs afterwards.
 */
export const WARM_UP_EVENTS = sized(60_000, 500);
export const WARM_UP_SINGLES = sized(40_000, 300);
const BATCH_SIZE = 100;
const SEED = 20_261_122;

export type Files = {
  copies: string[];
  batches: string;
  singles: string;
  naive: string;
  warmUp: string;
  warmUpSingles: string;
};

/** The database of a server that ran before, with the devices, workspaces and sessions that a COPY into events needs. */
export async function prepareTemplate(bench: BenchPostgres, checkout: Checkout): Promise<void> {
  const template = templateOf(checkout);
  await bench.admin.unsafe(`CREATE DATABASE ${template}`);
  const sql = postgres(databaseUrl(bench.url, template), { max: 2, onnotice: () => undefined });
  // On its first start the server does what it does once for a hub, such as looking for what is held from before.
  const server = await startServer(databaseUrl(bench.url, template), {}, serverProgram(checkout));
  await server.stop();
  for (let n = 0; n < WORKSPACES; n++) {
    await sql`INSERT INTO workspaces (id, canonical_id, display_name) VALUES (${workspaceUlid(n)}, ${canonicalId(n)}, ${`repository-${n}`})`;
  }
  for (let n = 0; n < DEVICES; n++)
    await sql`INSERT INTO devices (id, name, type) VALUES (${deviceId(n)}, ${`machine ${n}`}, 'local')`;
  for (let n = 0; n < SESSIONS; n++) {
    await sql`INSERT INTO sessions (id, workspace_id, device_id, started_at)
      VALUES (${sessionId(n)}, ${workspaceUlid(workspaceOfSession(n))}, ${deviceId(deviceOfSession(n))}, '2026-10-31')`;
  }
  await sql`VACUUM ANALYZE`;
  await sql.end();
}

/** The name of the database that prepareTemplate makes. */
export function templateOf({ name }: Checkout): string {
  return `bench_template_${name}`;
}

export async function writeFiles(folder: string): Promise<Files> {
  const random = createRandom(SEED);
  const copies = [join(folder, "copy-1.tsv"), join(folder, "copy-2.tsv")];
  for (const file of copies)
    await writeFile(file, createEvents(COPY_ROWS_PER_CONNECTION, random).map(toCopyLine).join(""));
  const batches = join(folder, "batches.ndjson");
  await writeFile(batches, toBodies(createEvents(BATCH_EVENTS, random), BATCH_SIZE));
  const singles = join(folder, "singles.ndjson");
  await writeFile(singles, toBodies(createEvents(SINGLE_EVENTS, random), 1));
  const naive = join(folder, "naive.ndjson");
  await writeFile(naive, toBodies(createEvents(NAIVE_EVENTS, random), 1));
  const warmUp = join(folder, "warm-up.ndjson");
  await writeFile(warmUp, toBodies(createEvents(WARM_UP_EVENTS, random), BATCH_SIZE));
  const warmUpSingles = join(folder, "warm-up-singles.ndjson");
  await writeFile(warmUpSingles, toBodies(createEvents(WARM_UP_SINGLES, random), 1));
  return { copies, batches, singles, naive, warmUp, warmUpSingles };
}

export function toBodies(events: BenchEvent[], size: number): string {
  const bodies: string[] = [];
  for (let start = 0; start < events.length; start += size)
    bodies.push(JSON.stringify({ events: events.slice(start, start + size) }));
  return bodies.join("\n");
}

function toCopyLine(event: BenchEvent): string {
  const workspace = workspaceUlid(Number(event.workspace_id.slice(event.workspace_id.lastIndexOf("-") + 1)));
  const data = JSON.stringify(event.data).replaceAll("\\", "\\\\");
  return `${[event.id, event.type, event.timestamp, event.device_id, workspace, event.session_id, data, "[]"].join("\t")}\n`;
}
