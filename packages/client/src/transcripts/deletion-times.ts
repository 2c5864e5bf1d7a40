import { join } from "node:path";
import { nullIfUnreadable, readState } from "../spool/files.ts";
import type { LocalFile } from "./file-state.ts";

const DAY_MS = 86_400_000;
/** Of Claude Code, without a setting. */
export const DEFAULT_CLEANUP_DAYS = 30;
const PROJECTS = /^(.*)\/projects\/[^/]+\//;
const READ_AGAIN_MS = 60_000;

export type DeletesAt = (file: Pick<LocalFile, "agent" | "path">, mtime_ms: number) => Promise<string | null>;

/** When Claude Code deletes a file: as many days after its last change as its settings name. Null for other agents. */
export function createDeletesAt(now: () => number = Date.now): DeletesAt {
  const days = new Map<string, { at_ms: number; value: Promise<number> }>();

  return async function deletesAt({ agent, path }, mtime_ms) {
    const root = agent === "claude-code" ? PROJECTS.exec(path)?.[1] : undefined;
    if (root === undefined) return null;
    let known = days.get(root);
    if (known === undefined || Math.abs(now() - known.at_ms) > READ_AGAIN_MS) {
      known = { at_ms: now(), value: readDays(root) };
      days.set(root, known);
    }
    return new Date(mtime_ms + (await known.value) * DAY_MS).toISOString();
  };
}

async function readDays(root: string): Promise<number> {
  return (await cleanupDaysIn(join(root, "settings.json"))) ?? DEFAULT_CLEANUP_DAYS;
}

/** Null where a settings file names none, or cannot be read. */
export async function cleanupDaysIn(file: string): Promise<number | null> {
  const settings = await readState<{ cleanupPeriodDays?: unknown }>(file).catch(nullIfUnreadable);
  const value = settings?.cleanupPeriodDays;
  return typeof value === "number" && value > 0 && value < 36_500 ? value : null;
}
