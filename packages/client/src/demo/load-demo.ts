import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../sdk/create-client.ts";
import { HubError } from "../sdk/hub-error.ts";
import { eventsOf } from "./events.ts";
import { filesOf } from "./files-of-session.ts";
import { type DemoOptions, planSessions } from "./plan-sessions.ts";
import { DEVICES, PROJECTS } from "./stories.ts";

export type DemoProgress = (done: number, total: number) => void;
export type LoadedDemo = { sessions: number; events: number; files: number };

const EVENTS_PER_REQUEST = 500;
const STATUS_INTERVAL_MS = 500;
/** Without another session that is read, the hub has no worker, or other work. */
const STUCK_AFTER_MS = 30_000;

/** The sessions of the demo's devices, which the hub has now. */
export async function findDemoSessions(client: Client): Promise<string[]> {
  const ids: string[] = [];
  for (const { id } of DEVICES)
    for await (const session of client.sessions.every({ device_id: id })) ids.push(session.id);
  return ids;
}

/**
 * Sends some days of sessions on three devices, as hooks and agents would. Needs an admin key. `progress` counts sessions. Throws HubError,
 * and Error for an event that the hub rejects.
 */
export async function loadDemo(
  client: Client,
  options: DemoOptions,
  progress: DemoProgress,
): Promise<LoadedDemo> {
  const sessions = planSessions(options);
  const events = sessions.flatMap(eventsOf).sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  for (let from = 0; from < events.length; from += EVENTS_PER_REQUEST) {
    const { errors = [] } = await client.events.send(events.slice(from, from + EVENTS_PER_REQUEST));
    const [rejected] = errors;
    if (rejected !== undefined) throw new Error(`The hub rejected an event of the demo: ${rejected.error}`);
  }
  let files = 0;
  // The newest first: the hub reads them in this order.
  for (const [index, session] of sessions.toReversed().entries()) {
    const { id: session_id, agent, device, repository } = session;
    const place = { session_id, agent, device_id: device.id, workspace_id: repository.remote, offset: 0 };
    for (const { file, kind, text } of filesOf(session)) {
      await client.transcripts.append({ ...place, file, kind, bytes: new TextEncoder().encode(text) });
      files += 1;
    }
    progress(index + 1, sessions.length);
  }
  return { sessions: sessions.length, events: events.length, files };
}

/**
 * Resolves when the hub has read all of these transcripts, or has read none for half a minute, to the number that it has read. Throws
 * HubError.
 */
export async function awaitRead(
  client: Client,
  ids: readonly string[],
  progress: DemoProgress,
  stuckAfterMs = STUCK_AFTER_MS,
): Promise<number> {
  let read = 0;
  for (let stuckMs = 0; ; stuckMs += STATUS_INTERVAL_MS) {
    const { statuses } = await client.sessions.status(ids);
    const now = Object.values(statuses).filter(({ parse_status }) => isRead(parse_status)).length;
    if (now !== read) {
      read = now;
      stuckMs = 0;
      progress(read, ids.length);
    }
    if (read >= ids.length || stuckMs >= stuckAfterMs) return read;
    await pause(STATUS_INTERVAL_MS);
  }
}

function isRead(status: string | null): boolean {
  return status === "completed" || status === "failed";
}

/** Deletes the demo's sessions, repositories and devices. Resolves to the number of sessions. Needs an admin key. Throws HubError. */
export async function removeDemo(client: Client, progress: DemoProgress): Promise<number> {
  const ids = await findDemoSessions(client);
  for (const [index, id] of ids.entries()) {
    await client.sessions.delete(id);
    progress(index + 1, ids.length);
  }
  for (const { repository } of PROJECTS) await client.workspaces.delete(repository.remote).catch(passIfKept);
  const known = new Set((await client.devices.list({ limit: 200 })).devices.map(({ id }) => id));
  for (const { id } of DEVICES) if (known.has(id)) await client.devices.remove(id);
  return ids.length;
}

/** A repository that is not there, or that has sessions of other devices. */
function passIfKept(error: unknown): void {
  if (!(error instanceof HubError && (error.status === 404 || error.status === 409))) throw error;
}
