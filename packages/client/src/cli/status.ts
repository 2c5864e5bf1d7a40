import { mkdir } from "node:fs/promises";
import { statusFile, statusLineFile } from "../install/remove-state.ts";
import { openProfiles, type Profile } from "../profiles/profiles.ts";
import { HubError } from "../sdk/hub-error.ts";
import { writeDurably } from "../spool/files.ts";
import { readQueueStatus } from "./commands/queue.ts";
import type { Paths } from "./environment.ts";
import { clientFor } from "./hub.ts";
import type { Io } from "./io.ts";
import { readLastStatus, type Status, statusLineOf } from "./last-status.ts";
import { startOfToday, timeZone } from "./values.ts";

type HubNumbers = Pick<Status, "today" | "live" | "needs_input">;

const OPEN = ["detected", "capturing"];
const LISTED_MAX = 1_000;
const NOTHING = { at: null, today: null, live: null, needs_input: null };

/** Asks the hub, and keeps the result. Throws what is no failure to reach it. */
export async function readStatus(io: Io, profile: Profile): Promise<Status> {
  const { paths } = io;
  const last = await readLastStatus(paths);
  const spool = await readSpool(io);
  const { name, url } = profile;
  try {
    const [numbers, device] = await Promise.all([readNumbers(profile), readDevice(io, profile)]);
    const status = {
      at: new Date().toISOString(),
      profile: name,
      hub: { url, is_reachable: true, problem: null },
      device,
      ...numbers,
      spool,
    };
    await keep(paths, status);
    return status;
  } catch (error) {
    if (!(error instanceof HubError) || !error.isUnreachable) throw error;
    const hub = { url, is_reachable: false, problem: error.message };
    // The last result can be that of another hub.
    const { at, today, live, needs_input } = last?.profile === name ? last : NOTHING;
    return { at, profile: name, hub, device: profile.device, today, live, needs_input, spool };
  }
}

/** This machine as the hub names it now; another name is kept for what is shown without the hub. */
async function readDevice(io: Io, profile: Profile): Promise<Profile["device"]> {
  if (profile.device === null) return null;
  const { id } = profile.device;
  const found = await clientFor(profile, "read")
    .devices.get(id)
    .catch((error: unknown) => {
      if (error instanceof HubError && error.status === 404) return null;
      throw error;
    });
  if (found === null || found.device.name === profile.device.name) return profile.device;
  const device = { id, name: found.device.name };
  await openProfiles(io.paths.config)
    .save({ ...profile, device })
    .catch(() => undefined);
  return device;
}

async function readNumbers(profile: Profile): Promise<HubNumbers> {
  const client = clientFor(profile, "read");
  const from = startOfToday(new Date()).toISOString();
  const [usage, open] = await Promise.all([
    client.usage({ group: "session", from, tz: timeZone() }),
    client.sessions.list({ lifecycle: OPEN, limit: LISTED_MAX }),
  ]);
  const started = await client.sessions.list({ after: from, limit: LISTED_MAX });
  const sum = (read: (row: (typeof usage.rows)[number]) => number) =>
    usage.rows.reduce((total, row) => total + read(row), 0);
  return {
    today: {
      sessions: new Set([...started.sessions.map(({ id }) => id), ...usage.rows.map(({ key }) => key)]).size,
      devices: new Set(started.sessions.map(({ device_id }) => device_id)).size,
      tokens_in: sum(({ tokens_in }) => tokens_in),
      tokens_out: sum(({ tokens_out }) => tokens_out),
      cost_usd: usage.rows.every(({ cost_usd }) => cost_usd === null)
        ? null
        : sum(({ cost_usd }) => cost_usd ?? 0),
      cost_is_partial: usage.rows.some((row) => row.cost_is_partial),
    },
    live: open.sessions.length,
    needs_input: open.sessions.filter(({ live_state }) => live_state === "needs_input").length,
  };
}

async function readSpool(io: Io): Promise<Status["spool"]> {
  const { spool_files, events, rejected, is_full, refused, last_acknowledged_at, problem } =
    await readQueueStatus(io);
  return {
    files: spool_files,
    events,
    rejected,
    is_full,
    refused,
    last_acknowledged_at,
    problem: problem?.message ?? null,
  };
}

/** A directory that cannot be written costs the status line alone. */
async function keep({ data }: Paths, status: Status): Promise<void> {
  const kept = [
    [statusFile(data), JSON.stringify(status)],
    [statusLineFile(data), `${statusLineOf(status)}\n`],
  ] as const;
  await mkdir(data, { recursive: true, mode: 0o700 })
    .then(() => Promise.all(kept.map(([file, text]) => writeDurably(file, text))))
    .catch(() => undefined);
}
