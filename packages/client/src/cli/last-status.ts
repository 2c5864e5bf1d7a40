import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { liveStateText } from "@wharf/protocol/state-words";
import { refreshFile, statusFile } from "../install/remove-state.ts";
import type { Paths } from "./environment.ts";
import { money, plural } from "./output/text.ts";

/** `wharf status --json`. Without a reachable hub its numbers are those of the last result, at `at`; null without one. */
export type Status = {
  at: string | null;
  profile: string;
  hub: { url: string; is_reachable: boolean; problem: string | null };
  device: { id: string; name: string } | null;
  /** Of all devices. */
  today: {
    sessions: number;
    devices: number;
    tokens_in: number;
    tokens_out: number;
    cost_usd: number | null;
    cost_is_partial: boolean;
  } | null;
  live: number | null;
  needs_input: number | null;
  /** Of this machine. */
  spool: {
    files: number;
    /** Made of hooks, and not on the hub yet. */
    events: number;
    rejected: number;
    /** Hooks get no room for their input; `refused`: those that got none. */
    is_full: boolean;
    refused: number;
    last_acknowledged_at: string | null;
    problem: string | null;
  };
};

const FRESH_MS = 60_000;

/** Null before the first. */
export async function readLastStatus(paths: Paths): Promise<Status | null> {
  return await readFile(statusFile(paths.data), "utf8")
    .then((text): Status => JSON.parse(text))
    .catch(() => null);
}

export function statusLineOf({ today, needs_input, spool }: Status): string {
  const parts =
    today === null
      ? []
      : [`${plural(today.sessions, "session")} today`, money(today.cost_usd, today.cost_is_partial)];
  if (needs_input !== null && needs_input > 0)
    parts.push(`${needs_input} ${liveStateText("needs_input", needs_input)}`);
  const unsent = spool.files + spool.events;
  if (unsent > 0) parts.push(`${unsent} unsent`);
  return parts.join(" · ");
}

/** True at most once a minute: the caller then asks the hub, whether it is reachable or not. */
export async function takeRefresh({ data }: Paths, now: Date): Promise<boolean> {
  const file = refreshFile(data);
  const last = await stat(file).catch(() => null);
  if (last !== null && Math.abs(now.getTime() - last.mtimeMs) < FRESH_MS) return false;
  return await mkdir(data, { recursive: true, mode: 0o700 })
    .then(() => writeFile(file, ""))
    .then(() => true)
    .catch(() => false);
}
