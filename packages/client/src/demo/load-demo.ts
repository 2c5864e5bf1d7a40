import type { Client } from "../sdk/create-client.ts";
import { eventsOf } from "./events.ts";
import { filesOf } from "./files-of-session.ts";
import { type DemoOptions, planSessions } from "./plan-sessions.ts";
import { DEVICES } from "./stories.ts";

export type DemoProgress = (done: number, total: number) => void;
export type LoadedDemo = { sessions: number; events: number; files: number };

const EVENTS_PER_REQUEST = 500;

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
  for (const [index, session] of sessions.entries()) {
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

/** Deletes the demo's sessions and removes its devices. Resolves to the number of sessions. Needs an admin key. Throws HubError. */
export async function removeDemo(client: Client, progress: DemoProgress): Promise<number> {
  const ids = await findDemoSessions(client);
  for (const [index, id] of ids.entries()) {
    await client.sessions.delete(id);
    progress(index + 1, ids.length);
  }
  const known = new Set((await client.devices.list({ limit: 200 })).devices.map(({ id }) => id));
  for (const { id } of DEVICES) if (known.has(id)) await client.devices.remove(id);
  return ids.length;
}
